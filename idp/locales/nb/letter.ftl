## Ordering an activation letter
order-title = Bestill aktiveringsbrev
order-about = Har du ikke MinID, kan du få et aktiveringsbrev i posten. I brevet står det en kode som du bruker til å lage MinID-en din.
order-where = Vi sender brevet til adressen din i Folkeregisteret, og aldri til en annen adresse.
order-have-code-title = Har du fått aktiveringsbrevet?
order-have-code = Skriv inn aktiveringskode
order-whose = Bestillingen gjelder fødselsnummeret som slutter på { $digits }.
order-mobile-why = Vi sender en kode på SMS, så vi vet at mobilnummeret er ditt.
order-no-mobile = Har du ikke mobil? Ring brukerstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no, så hjelper vi deg.
order-sms-code = MinID: Koden for å bestille aktiveringsbrev er { $code }. Del den ikke med noen. Har du ikke bedt om den? Da trenger du ikke gjøre noe.
order-done-title = Aktiveringsbrev er bestilt
order-done-when = Hvis du har en adresse i Folkeregisteret, kommer brevet i posten, vanligvis innen { $date }.
order-done-valid = Koden i brevet gjelder til og med { $date }. Når brevet er kommet, skriver du inn koden her:
order-done-not-title = Noen ganger kommer det ikke noe brev
order-done-not-twice = Har du bestilt et brev de siste 60 dagene, gjelder koden i det brevet.
order-done-not-young = Fyller du 13 først neste år eller senere, er du for ung ennå.
order-done-not-address = Har du ikke en adresse i Folkeregisteret, kan vi ikke sende brevet.
order-done-help = Har du ikke fått brevet innen { $date }? Ring brukerstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no.
order-again = Bestill for en annen
problem-order-expired = Det gikk for lang tid, så du må begynne på nytt. Hvis du ikke fikk se «Aktiveringsbrev er bestilt», er brevet ikke bestilt.
order-too-many-title = Vi kan ikke ta imot bestillingen nå
order-too-many = Det er bestilt mange aktiveringsbrev til samme person, med samme mobilnummer eller fra nettverket ditt, så vi har ikke bestilt noe brev nå. Prøv igjen i morgen, eller kontakt brukerstøtte på 800 30 300 eller brukerstotte@digdir.no.

# What the owner of a MinID is told
tell-letter-refused = MinID: Noen prøvde å bestille et aktiveringsbrev i ditt navn. Vi sender ikke noe brev.

# Days
date-weekdays = mandag tirsdag onsdag torsdag fredag lørdag søndag
date-months = januar februar mars april mai juni juli august september oktober november desember
date-number = { $day }.
