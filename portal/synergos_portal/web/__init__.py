"""What all pages have in common: who asks, what browsers are told, language, links, forms, lists and live parts."""
