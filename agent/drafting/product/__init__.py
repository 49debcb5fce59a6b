"""What a draft says about the product itself: system picture, abilities, controls, posture, assumptions."""
