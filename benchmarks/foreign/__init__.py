"""Models in the forms that other toolkits have them: Marian's and transformers'."""
