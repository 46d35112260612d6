"""People who do not exist, to try Redletter with: `people.csv`, made once by hand and chance."""
