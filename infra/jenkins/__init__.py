"""Jenkins, configured by nothing but this repository."""
