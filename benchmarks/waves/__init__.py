"""What waves of many move groups take."""
