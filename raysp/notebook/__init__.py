"""The notebook's face: data loaded, models fitted without Ray, runs made and opened. `raysp` itself names it all."""
