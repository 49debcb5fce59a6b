"""Facts about a product: the vocabulary, the readers' proposals, their check, and the sheet that all else rests on."""
