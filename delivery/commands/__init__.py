"""The commands of `inssa`, each a thin face on one module; what takes long to import is imported when it is used."""
