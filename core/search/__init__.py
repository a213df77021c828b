"""The token index behind the search box: names by two characters, pinyin, plates, on both databases."""
