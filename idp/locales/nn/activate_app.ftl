## Getting MinID and the MinID app in one go
app-have-code = Eg har ein aktiveringskode
app-back = Tilbake til MinID-appen
activate-app-own = Vel ein telefon eller ei maskin som er di eiga, og som du låser sjølv. Ikkje bruk ei som du deler med andre.
activate-app-here = Bruk denne eininga som MinID-app
activate-app-elsewhere = Vis QR-kode til ei anna eining
activate-app-until = Du kan gjere det her til kl. { $time }. Etter det legg du til appen frå profilsida di.
activate-app-done = MinID-appen er lagd til. Du godkjenner i appen neste gong du loggar inn.
problem-activate-app-over = Det er for seint å leggje til appen her. Logg inn og gjer det frå profilsida di.
activate-owner = MinID høyrer til { $name }.
activate-owner-number = MinID høyrer til fødselsnummeret som sluttar på { $digits }.
