## Ordering an activation letter
order-title = Bestill aktiveringsbrev
order-about = Har du ikkje MinID, kan du få eit aktiveringsbrev i posten. I brevet står det ein kode som du bruker til å lage MinID-en din.
order-where = Vi sender brevet til adressa di i Folkeregisteret, og aldri til ei anna adresse.
order-have-code-title = Har du fått aktiveringsbrevet?
order-have-code = Skriv inn aktiveringskode
order-whose = Bestillinga gjeld fødselsnummeret som sluttar på { $digits }.
order-mobile-why = Vi sender ein kode på SMS, så vi veit at mobilnummeret er ditt.
order-no-mobile = Har du ikkje mobil? Ring brukarstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no, så hjelper vi deg.
order-sms-code = MinID: Koden for å bestille aktiveringsbrev er { $code }. Del han ikkje med nokon. Har du ikkje bede om han? Då treng du ikkje gjere noko.
order-done-title = Aktiveringsbrev er bestilt
order-done-when = Dersom du har ei adresse i Folkeregisteret, kjem brevet i posten, vanlegvis innan { $date }.
order-done-valid = Koden i brevet gjeld til og med { $date }. Når brevet er kome, skriv du inn koden her:
order-done-not-title = Nokre gonger kjem det ikkje noko brev
order-done-not-twice = Har du bestilt eit brev dei siste 60 dagane, gjeld koden i det brevet.
order-done-not-young = Fyller du 13 først neste år eller seinare, er du for ung enno.
order-done-not-address = Har du ikkje ei adresse i Folkeregisteret, kan vi ikkje sende brevet.
order-done-help = Har du ikkje fått brevet innan { $date }? Ring brukarstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no.
order-again = Bestill for ein annan
problem-order-expired = Det gjekk for lang tid, så du må byrje på nytt. Dersom du ikkje fekk sjå «Aktiveringsbrev er bestilt», er brevet ikkje bestilt.
order-too-many-title = Vi kan ikkje ta imot bestillinga no
order-too-many = Det er bestilt mange aktiveringsbrev til same person, med same mobilnummer eller frå nettverket ditt, så vi har ikkje bestilt noko brev no. Prøv igjen i morgon, eller kontakt brukarstøtte på 800 30 300 eller brukerstotte@digdir.no.

# What the owner of a MinID is told
tell-letter-refused = MinID: Nokon prøvde å bestille eit aktiveringsbrev i ditt namn. Vi sender ikkje noko brev.

# Days
date-weekdays = måndag tysdag onsdag torsdag fredag laurdag sundag
date-months = januar februar mars april mai juni juli august september oktober november desember
date-number = { $day }.
