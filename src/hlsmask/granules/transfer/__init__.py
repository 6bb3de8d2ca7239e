"""Files come down: which ones, by whose login, resumed where they broke off, and checked."""
