## Logging in by e-mail
eid-email = E-post
eid-email-about = Med en kode som vi sender til e-postadressen din
email-login-title = Logg inn med e-post
email-login-about = Du trenger bare en e-postadresse. Tjenesten får vite adressen, men ikke hvem du er.
email-code-title = Skriv inn koden fra e-posten
email-code-sending-to = Vi sender den nye koden til { $to }.
email-code-not-there = Har du ikke fått noen e-post? Vent litt, se etter i søppelposten, og sjekk at adressen er riktig.
email-code-other-address = Bruk en annen e-postadresse
problem-email-code-digits = Koden skal ha 8 siffer.
problem-email-code-wrong-last = Feil kode. Du har ett forsøk igjen. Sjekk den siste e-posten du fikk.
mail-login-subject = Porten: Kode for å logge inn
mail-login-code = Koden for å logge inn er { $code }. Skriv den på siden der du ba om den.
mail-login-service = Den logger deg inn hos { $service }.
mail-login-warning = Del den ikke med noen. Har du ikke bedt om den? Da kan du se bort fra denne e-posten.

## Whoever is logged in without a number has no profile
guest-profile-title = Du har ingen profil her
guest-profile-email = Du er logget inn med e-post. Profilen er for dem som er logget inn med et fødselsnummer eller D-nummer.
guest-profile-abroad = Du er logget inn med en elektronisk ID fra et annet land. Profilen er for dem som er logget inn med et norsk fødselsnummer eller D-nummer.
guest-profile-how = Har du et slikt nummer, kan du logge inn på en annen måte. Da blir du logget ut der du er logget inn nå.
guest-profile-consents = Vil du trekke tilbake et samtykke du har gitt? Ta kontakt med tjenesten du ga det til.
guest-profile-log-in = Logg inn på en annen måte
