## Where in the world a login came from
event-place = Omtrent her: { $place }
device-request-place = Omtrent hvor
device-request-place-about = Bruker du mobilnett, kan det stå en annen by her. Kjenner du ikke igjen innloggingen, avslår du den.
