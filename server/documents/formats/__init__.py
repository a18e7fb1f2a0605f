"""Each format's own way to take a document apart into texts and to put it together again."""
