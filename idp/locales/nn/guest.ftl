## Logging in by e-mail
eid-email = E-post
eid-email-about = Med ein kode som vi sender til e-postadressa di
email-login-title = Logg inn med e-post
email-login-about = Du treng berre ei e-postadresse. Tenesta får vite adressa, men ikkje kven du er.
email-code-title = Skriv inn koden frå e-posten
email-code-sending-to = Vi sender den nye koden til { $to }.
email-code-not-there = Har du ikkje fått nokon e-post? Vent litt, sjå etter i søppelposten, og sjekk at adressa er rett.
email-code-other-address = Bruk ei anna e-postadresse
problem-email-code-digits = Koden skal ha 8 siffer.
problem-email-code-wrong-last = Feil kode. Du har eitt forsøk igjen. Sjekk den siste e-posten du fekk.
mail-login-subject = Porten: Kode for å logge inn
mail-login-code = Koden for å logge inn er { $code }. Skriv han på sida der du bad om han.
mail-login-service = Han loggar deg inn hos { $service }.
mail-login-warning = Del han ikkje med nokon. Har du ikkje bede om han? Då kan du sjå bort frå denne e-posten.

## Whoever is logged in without a number has no profile
guest-profile-title = Du har ingen profil her
guest-profile-email = Du er logga inn med e-post. Profilen er for dei som er logga inn med eit fødselsnummer eller D-nummer.
guest-profile-abroad = Du er logga inn med ein elektronisk ID frå eit anna land. Profilen er for dei som er logga inn med eit norsk fødselsnummer eller D-nummer.
guest-profile-how = Har du eit slikt nummer, kan du logge inn på ein annan måte. Då blir du logga ut der du er logga inn no.
guest-profile-consents = Vil du trekkje tilbake eit samtykke du har gitt? Ta kontakt med tenesta du gav det til.
guest-profile-log-in = Logg inn på ein annan måte
