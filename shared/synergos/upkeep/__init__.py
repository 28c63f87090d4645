"""What an administrator does with a TTP's or director's folders, its program running or not: back them up, restore, tidy.

Here is the record store and there is no network: whoever may read the folders may do this. See docs/operations.md.
"""
