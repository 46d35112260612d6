"""Everything on one machine: PostgreSQL, Valkey and the three services as supervised processes.

command.py      the command line `redletter dev`
deployment.py   starts and stops all of it, in order
topology.py     which processes there are and what each is told
premises.py     nobody is left of the last start, nobody has our ports
places.py       what lies where in the data directory
ports.py        which port belongs to whom
clock.py        the business clock of all processes, and why it never goes back
services.py     one service process: environment, start, readiness
migrations.py   when the schemas must be brought up to date
keeper.py       starts again what crashed
accounts.py     operator key, tenant, API key and endpoint; what client.json says
arrivals.py     the webhook receiver and its record
lines.py        one line per message that arrives
sample.py       the invented people, and the person whose message is due in a moment
signals.py      Ctrl-C and its kin
errors.py       why a start is refused
"""
