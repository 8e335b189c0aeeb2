## Getting MinID and the MinID app in one go
app-have-code = Jeg har en aktiveringskode
app-back = Tilbake til MinID-appen
activate-app-own = Velg en telefon eller maskin som er din, og som du låser selv. Ikke bruk en som du deler med andre.
activate-app-here = Bruk denne enheten som MinID-app
activate-app-elsewhere = Vis QR-kode til en annen enhet
activate-app-until = Du kan gjøre det her til kl. { $time }. Etter det legger du til appen fra profilsiden din.
activate-app-done = MinID-appen er lagt til. Du godkjenner i appen neste gang du logger inn.
problem-activate-app-over = Det er for sent å legge til appen her. Logg inn og gjør det fra profilsiden din.
activate-owner = MinID tilhører { $name }.
activate-owner-number = MinID tilhører fødselsnummeret som slutter på { $digits }.
