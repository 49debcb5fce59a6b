"""Septet: threat models of AI-agent products, drafted from a product listing."""
