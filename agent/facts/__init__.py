"""Facts in the middle: the vocabulary, the readers' proposals, their check, and the sheet that everything rests on."""
