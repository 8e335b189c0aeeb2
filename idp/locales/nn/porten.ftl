## The frame around every page
skip-link = Hopp til innhaldet
language-nav = Språk
logging-in-to = Du loggar inn på { $service }
footer = Porten er ei felles innlogging til offentlege tenester. Vi ber deg aldri om passord eller kodar på telefon, SMS eller e-post.
error-prefix = Feil:

## Buttons
next = Neste
back = Tilbake
cancel = Avbryt
cancel-service = Avbryt og gå tilbake til { $service }
back-service = Tilbake til { $service }
continue = Hald fram
continue-service = Hald fram til { $service }
confirm = Stadfest
approve = Godkjenn
decline = Avslå
change-method = Endre innloggingsmetode
other-eid = Bruk ein annan elektronisk ID
other-eid-about = Gå tilbake og vel ein annan måte å logge inn på

## Choosing the electronic ID
choose-title = Vel innloggingsmetode
eid-minid = MinID
eid-minid-about = Fødselsnummer, passord og kode på SMS
eid-testid = TestID
eid-testid-about = For deg som testar: vel ein testperson, utan passord

## MinID: identity number and password
password-title = Logg inn med MinID
fnr-label = Fødselsnummer
fnr-hint = 11 siffer. Du kan òg bruke D‑nummer.
password-label = Passord
password-show = Vis passord
password-hide = Gøym passord
problem-wrong-password = Fødselsnummeret eller passordet er feil. Sjekk begge delar og prøv igjen. Får du det framleis ikkje til, kan du ringje brukarstøtte på 800 30 300.
problem-fnr-empty = Skriv inn fødselsnummeret ditt.
problem-fnr-digits = Fødselsnummeret må ha 11 siffer.
problem-fnr-invalid = Dette er ikkje eit gyldig fødselsnummer. Sjekk at du har tasta rett.
problem-fnr-synthetic = Dette er eit testnummer (syntetisk fødselsnummer). Det kan ikkje brukast her.
problem-fnr-real = Dette er eit testmiljø. Her kan du berre bruke syntetiske fødselsnummer.
problem-password-empty = Skriv inn passordet ditt.
problem-busy = Det er mange som loggar inn akkurat no. Vent nokre sekund og trykk på knappen igjen. Du har ikkje mist noko.
problem-too-many = Det har vore for mange forsøk frå nettverket ditt. Vent nokre minutt og prøv igjen.

## MinID: the code
code-title = Skriv inn koden frå SMS-en
code-sent = Vi har sendt ein eingongskode til mobilen din, { $phone }.
code-sending-to = Vi sender den nye koden til mobilen din, { $phone }.
code-label = Eingongskode
code-hint = 5 siffer
code-until = Koden gjeld til kl. { $time }.
code-left = Tid igjen:
code-minute-left = Du har eitt minutt igjen til å skrive inn koden.
code-no-sms = Har du ikkje fått nokon SMS? Vent litt, eller be om ein ny kode.
code-resend = Send ny kode
code-extend = Gi meg meir tid
problem-code-empty = Skriv inn koden du fekk på SMS.
problem-code-digits = Koden skal ha 5 siffer.
problem-code-wrong = Feil kode. Sjekk den siste SMS-en du fekk, og prøv igjen.
problem-code-wrong-last = Feil kode. Du har eitt forsøk igjen. Sjekk den siste SMS-en du fekk.
problem-code-expired = Koden gjeld ikkje lenger, for tida gjekk ut. Be om ein ny kode.
problem-code-used-up = Koden vart skriven feil tre gonger. Skriv inn passordet ditt igjen, så får du ein ny kode.
problem-sms-failed = Vi fekk ikkje sendt SMS akkurat no. Du har ikkje mist noko. Vent litt og prøv igjen.
problem-sms-too-many = Vi har sendt mange kodar til dette mobilnummeret. Vent ei stund før du ber om ein ny.
problem-resend-wait = Vi har nettopp sendt deg ein kode. Vent eit halvt minutt før du ber om ein ny.
notice-code-sent-again = Vi har sendt deg ein ny kode. Bruk den siste koden du fekk.
notice-more-time = Du har fått meir tid.

## Changing the login method
method-otc = Kode på SMS
method-otc-about = Vi sender ein eingongskode til mobilen din
method-otc-sent = Vi har sendt deg ein kode. Gå tilbake og skriv han inn.

## Consent
consent-title = Godkjenner du dette?
consent-intro = Tenesta du loggar inn på, ber om dette:
consent-intro-service = { $service } ber om dette:
consent-openid = Fødselsnummeret ditt
consent-profile = Språket du har valt
consent-other = Andre opplysningar tenesta treng
consent-pseudonym = Ein kode som denne tenesta kjenner deg att på, utan fødselsnummeret ditt
consent-details = Ein nærare skildra tilgang:
consent-free = Du avgjer sjølv. Vel du «Avslå», sender vi deg tilbake til tenesta. Då blir du ikkje logga inn, og vi deler ingenting.
consent-remembered = Vi hugsar svaret ditt til neste gong. Du kan trekkje samtykket tilbake når som helst på profilsida di i Porten.

## Pages where the way stops
stop-quarantined-title = MinID er sett på pause
stop-quarantined-why = Det har vore fleire mislykka forsøk på å logge inn. For å verne deg har vi sett MinID-en din på pause ei stund.
stop-quarantined-until = Du kan prøve igjen kl. { $time }.
stop-quarantined-later = Du kan prøve igjen om ei stund.
stop-quarantined-help = Var det ikkje du som prøvde å logge inn? Ring brukarstøtte på 800 30 300.
stop-locked-title = MinID er sperra
stop-locked-why = MinID-en din er sperra og kan ikkje brukast til å logge inn no.
stop-closed-title = MinID er avslutta
stop-closed-why = MinID-en din er avslutta og kan ikkje brukast lenger.
stop-no-phone-title = Vi manglar mobilnummeret ditt
stop-no-phone-why = Det er ikkje registrert noko mobilnummer på MinID-en din, så vi kan ikkje sende deg ein kode.
stop-support = Ring brukarstøtte på 800 30 300, så hjelper vi deg.

## Notices and errors
error-title = Ein feil har oppstått
error-request = Tenesta du kom frå, sende noko vi ikkje kan bruke. Det er ikkje noko du har gjort feil. Gå tilbake til tenesta og prøv igjen.
error-server = Noko gjekk gale hos oss. Prøv igjen om litt.
error-not-found-title = Vi finn ikkje sida
error-not-found = Adressa kan vere skriven feil, eller sida er flytta. Skal du logge inn, må du starte frå tenesta du skal bruke.
error-help = Skjer det igjen, kan du ringje brukarstøtte på 800 30 300. Oppgi sporingsnummeret under.
expired-title = Innlogginga er gått ut
expired-body = Det kan ha gått for lang tid, eller du kan ha opna sida frå eit bokmerke eller ein favoritt. Start på nytt frå tenesta du skal logge inn på.
other-browser-title = Vi kjenner ikkje igjen nettlesaren
other-browser-body = Innlogginga kan ha starta i ein annan nettlesar, eller nettlesaren din blokkerer informasjonskapslar (cookies). Tillat informasjonskapslar, og start på nytt frå tenesta du skal logge inn på.
csrf-title = Vi kunne ikkje godta det du sende
csrf-body = Sida kan ha vore open for lenge, eller ho er open i fleire faner. Start innlogginga på nytt.
way-on-service = Gå til { $service }
way-on-start = Gå til framsida
details-title = Opplysningar til brukarstøtte
details-trace = Sporingsnummer
details-error = Feilkode
details-description = Skildring

## The citizen's own page
profile-title = Profilen din
profile-who = Du er logga inn som
profile-consents = Samtykka dine
profile-consents-about = Du har sagt ja til at desse tenestene får opplysningar om deg, eller kan gjere noko på dine vegner. Trekkjer du eit samtykke tilbake, får tenesta ikkje lenger tilgang. Ho kan spørje deg igjen neste gong du loggar inn.
profile-no-consents = Du har ingen samtykke no.
profile-since = sidan { $date }
profile-withdraw = Trekk samtykket tilbake
profile-withdrawn = Du har trekt tilbake samtykket til { $service }. Det gjaldt:
profile-withdrawn-effect = Tenesta har ikkje lenger tilgang.

## Logging out
logout-title = Vil du logge ut?
logout-body = Då loggar du ut av Porten og av tenestene du har brukt i denne innlogginga.
logout-yes = Logg ut
logout-stay = Nei, hald fram innlogga
logged-out-title = Du er logga ut
logged-out-body = Deler du maskina med andre? Då bør du òg lukke nettlesaren.
logged-out-telling = Vi seier frå til tenestene du har brukt, slik at dei òg loggar deg ut.
logged-out-onwards = Så sender vi deg vidare. Skjer det ingenting, trykkjer du på knappen.
logged-out-frame = Utlogging frå { $service }
logged-out-silent-title = Ikkje alle tenestene svara
logged-out-silent-what = Du er logga ut av Porten, men det kan hende at du framleis er logga inn her:
logged-out-silent-do = Deler du maskina med andre? Lukk alle vindauga i nettlesaren, så kjem ingen andre inn der.

## On the way back to the service
form-post-title = Du er straks framme
form-post-body = Vi sender deg tilbake til tenesta. Skjer det ingenting, trykkjer du på knappen.

## The front page
front-title = Velkomen til Porten
front-what = Porten er ei felles innlogging til offentlege tenester.
front-how = Du loggar ikkje inn herifrå. Gå til tenesta du skal bruke, og vel «Logg inn» der. Då sender tenesta deg hit når du skal vise kven du er.

## TestID
testid-title = Logg inn med TestID
testid-intro = TestID finst berre i testmiljø. Skriv inn nummeret til ein syntetisk testperson og vel tryggleiksnivå. Du treng ikkje passord.
testid-fnr-label = Syntetisk fødselsnummer
testid-fnr-hint = 11 siffer
testid-level = Tryggleiksnivå
level-substantial = Betydeleg
level-high = Høgt
problem-level-empty = Vel eit tryggleiksnivå.

# The SMS itself
sms-code = Porten: Eingongskoden din er { $code }. Ikkje del han med nokon.
