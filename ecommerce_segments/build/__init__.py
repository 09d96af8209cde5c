"""One run over a shop: what is done every night, and what there is to say of it."""
