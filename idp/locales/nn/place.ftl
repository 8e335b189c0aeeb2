## Where in the world a login came from
event-place = Omtrent her: { $place }
device-request-place = Omtrent kvar
device-request-place-about = Bruker du mobilnett, kan det stå ein annan by her. Kjenner du ikkje att innlogginga, avslår du henne.
