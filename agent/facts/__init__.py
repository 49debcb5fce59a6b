"""Facts about a product: the vocabulary, the readers' proposals, their verification, and the resulting fact sheet."""
