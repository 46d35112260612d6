"""Any list of people against a stretch of time: import, let time run, compare with an independent count.

command.py    the command line `redletter lapse`
window.py     which instants belong to the asked dates
expected.py   the independent count: the CSV file and plain datetime code, nothing of ours
received.py   what arrived, against the clock
verdict.py    both compared
report.py     the comparison as a table or JSON
run.py        the run from the held start to the last message
"""
