## Where in the world a login came from
event-place = Roughly here: { $place }
device-request-place = Roughly where
device-request-place-about = If you are on a mobile network, another town may be shown here. If you do not recognise the login, decline it.
