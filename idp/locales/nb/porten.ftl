## The frame around every page
skip-link = Hopp til innholdet
language-nav = Språk
logging-in-to = Du logger inn på { $service }
footer = Porten er en felles innlogging til offentlige tjenester. Vi ber deg aldri om passord eller koder på telefon, SMS eller e-post.
error-prefix = Feil:

## Buttons
next = Neste
back = Tilbake
cancel = Avbryt
cancel-service = Avbryt og gå tilbake til { $service }
back-service = Tilbake til { $service }
continue = Fortsett
continue-service = Fortsett til { $service }
confirm = Bekreft
approve = Godkjenn
decline = Avslå
change-method = Endre innloggingsmetode
other-eid = Bruk en annen elektronisk ID
other-eid-about = Gå tilbake og velg en annen måte å logge inn på

## Choosing the electronic ID
choose-title = Velg innloggingsmetode
eid-minid = MinID
eid-minid-about = Fødselsnummer, passord og kode på SMS
eid-testid = TestID
eid-testid-about = For deg som tester: velg en testperson, uten passord

## MinID: identity number and password
password-title = Logg inn med MinID
fnr-label = Fødselsnummer
fnr-hint = 11 siffer. Du kan også bruke D‑nummer.
password-label = Passord
password-show = Vis passord
password-hide = Skjul passord
problem-wrong-password = Fødselsnummeret eller passordet er feil. Sjekk begge deler og prøv igjen. Får du det fortsatt ikke til, kan du ringe brukerstøtte på 800 30 300.
problem-fnr-empty = Skriv inn fødselsnummeret ditt.
problem-fnr-digits = Fødselsnummeret må ha 11 siffer.
problem-fnr-invalid = Dette er ikke et gyldig fødselsnummer. Sjekk at du har tastet riktig.
problem-fnr-synthetic = Dette er et testnummer (syntetisk fødselsnummer). Det kan ikke brukes her.
problem-fnr-real = Dette er et testmiljø. Her kan du bare bruke syntetiske fødselsnummer.
problem-password-empty = Skriv inn passordet ditt.
problem-busy = Det er mange som logger inn akkurat nå. Vent noen sekunder og trykk på knappen igjen. Du har ikke mistet noe.
problem-too-many = Det har vært for mange forsøk fra nettverket ditt. Vent noen minutter og prøv igjen.

## MinID: the code
code-title = Skriv inn koden fra SMS-en
code-sent = Vi har sendt en engangskode til mobilen din, { $phone }.
code-sending-to = Vi sender den nye koden til mobilen din, { $phone }.
code-label = Engangskode
code-hint = 5 siffer
code-until = Koden gjelder til kl. { $time }.
code-left = Tid igjen:
code-minute-left = Du har ett minutt igjen til å skrive inn koden.
code-no-sms = Har du ikke fått noen SMS? Vent litt, eller be om en ny kode.
code-resend = Send ny kode
code-extend = Gi meg mer tid
problem-code-empty = Skriv inn koden du fikk på SMS.
problem-code-digits = Koden skal ha 5 siffer.
problem-code-wrong = Feil kode. Sjekk den siste SMS-en du fikk, og prøv igjen.
problem-code-wrong-last = Feil kode. Du har ett forsøk igjen. Sjekk den siste SMS-en du fikk.
problem-code-expired = Koden gjelder ikke lenger, for tiden gikk ut. Be om en ny kode.
problem-code-used-up = Koden ble skrevet feil tre ganger. Skriv inn passordet ditt igjen, så får du en ny kode.
problem-sms-failed = Vi fikk ikke sendt SMS akkurat nå. Du har ikke mistet noe. Vent litt og prøv igjen.
problem-sms-too-many = Vi har sendt mange koder til dette mobilnummeret. Vent en stund før du ber om en ny.
problem-resend-wait = Vi har nettopp sendt deg en kode. Vent et halvt minutt før du ber om en ny.
notice-code-sent-again = Vi har sendt deg en ny kode. Bruk den siste koden du fikk.
notice-more-time = Du har fått mer tid.

## Changing the login method
method-otc = Kode på SMS
method-otc-about = Vi sender en engangskode til mobilen din
method-otc-sent = Vi har sendt deg en kode. Gå tilbake og skriv den inn.

## Consent
consent-title = Godkjenner du dette?
consent-intro = Tjenesten du logger inn på, ber om dette:
consent-intro-service = { $service } ber om dette:
consent-openid = Fødselsnummeret ditt
consent-profile = Språket du har valgt
consent-other = Andre opplysninger tjenesten trenger
consent-pseudonym = En kode som denne tjenesten kjenner deg igjen på, uten fødselsnummeret ditt
consent-details = En nærmere beskrevet tilgang:
consent-free = Du bestemmer selv. Velger du «Avslå», sender vi deg tilbake til tjenesten. Da blir du ikke logget inn, og vi deler ingenting.
consent-remembered = Vi husker svaret ditt til neste gang. Du kan trekke samtykket tilbake når som helst på profilsiden din i Porten.

## Pages where the way stops
stop-quarantined-title = MinID er satt på pause
stop-quarantined-why = Det har vært flere mislykkede forsøk på å logge inn. For å beskytte deg har vi satt MinID-en din på pause en stund.
stop-quarantined-until = Du kan prøve igjen kl. { $time }.
stop-quarantined-later = Du kan prøve igjen om en stund.
stop-quarantined-help = Var det ikke du som prøvde å logge inn? Ring brukerstøtte på 800 30 300.
stop-locked-title = MinID er sperret
stop-locked-why = MinID-en din er sperret og kan ikke brukes til å logge inn nå.
stop-closed-title = MinID er avsluttet
stop-closed-why = MinID-en din er avsluttet og kan ikke brukes lenger.
stop-no-phone-title = Vi mangler mobilnummeret ditt
stop-no-phone-why = Det er ikke registrert noe mobilnummer på MinID-en din, så vi kan ikke sende deg en kode.
stop-support = Ring brukerstøtte på 800 30 300, så hjelper vi deg.

## Notices and errors
error-title = En feil har oppstått
error-request = Tjenesten du kom fra, sendte noe vi ikke kan bruke. Det er ikke noe du har gjort feil. Gå tilbake til tjenesten og prøv igjen.
error-server = Noe gikk galt hos oss. Prøv igjen om litt.
error-not-found-title = Vi finner ikke siden
error-not-found = Adressen kan være skrevet feil, eller siden er flyttet. Skal du logge inn, må du starte fra tjenesten du skal bruke.
error-help = Skjer det igjen, kan du ringe brukerstøtte på 800 30 300. Oppgi sporingsnummeret under.
expired-title = Innloggingen er utløpt
expired-body = Det kan ha gått for lang tid, eller du kan ha åpnet siden fra et bokmerke eller en favoritt. Start på nytt fra tjenesten du skal logge inn på.
other-browser-title = Vi kjenner ikke igjen nettleseren
other-browser-body = Innloggingen kan ha startet i en annen nettleser, eller nettleseren din blokkerer informasjonskapsler (cookies). Tillat informasjonskapsler, og start på nytt fra tjenesten du skal logge inn på.
csrf-title = Vi kunne ikke godta det du sendte
csrf-body = Siden kan ha vært åpen for lenge, eller den er åpen i flere faner. Start innloggingen på nytt.
way-on-service = Gå til { $service }
way-on-start = Gå til forsiden
details-title = Opplysninger til brukerstøtte
details-trace = Sporingsnummer
details-error = Feilkode
details-description = Beskrivelse

## The citizen's own page
profile-title = Profilen din
profile-who = Du er logget inn som
profile-consents = Samtykkene dine
profile-consents-about = Du har sagt ja til at disse tjenestene får opplysninger om deg, eller kan gjøre noe på dine vegne. Trekker du et samtykke tilbake, får tjenesten ikke lenger tilgang. Den kan spørre deg igjen neste gang du logger inn.
profile-no-consents = Du har ingen samtykker nå.
profile-since = siden { $date }
profile-withdraw = Trekk samtykket tilbake
profile-withdrawn = Du har trukket tilbake samtykket til { $service }. Det gjaldt:
profile-withdrawn-effect = Tjenesten har ikke lenger tilgang.

## Logging out
logout-title = Vil du logge ut?
logout-body = Da logger du ut av Porten og av tjenestene du har brukt i denne innloggingen.
logout-yes = Logg ut
logout-stay = Nei, fortsett innlogget
logged-out-title = Du er logget ut
logged-out-body = Deler du maskinen med andre? Da bør du også lukke nettleseren.
logged-out-telling = Vi sier fra til tjenestene du har brukt, så de også logger deg ut.
logged-out-onwards = Så sender vi deg videre. Skjer det ingenting, trykker du på knappen.
logged-out-frame = Utlogging fra { $service }
logged-out-silent-title = Ikke alle tjenestene svarte
logged-out-silent-what = Du er logget ut av Porten, men det kan hende at du fortsatt er logget inn her:
logged-out-silent-do = Deler du maskinen med andre? Lukk alle vinduene i nettleseren, så kommer ingen andre inn der.

## On the way back to the service
form-post-title = Du er straks framme
form-post-body = Vi sender deg tilbake til tjenesten. Skjer det ingenting, trykker du på knappen.

## The front page
front-title = Velkommen til Porten
front-what = Porten er en felles innlogging til offentlige tjenester.
front-how = Du logger ikke inn herfra. Gå til tjenesten du skal bruke, og velg «Logg inn» der. Da sender tjenesten deg hit når du skal vise hvem du er.

## TestID
testid-title = Logg inn med TestID
testid-intro = TestID finnes bare i testmiljøer. Skriv inn nummeret til en syntetisk testperson og velg sikkerhetsnivå. Du trenger ikke passord.
testid-fnr-label = Syntetisk fødselsnummer
testid-fnr-hint = 11 siffer
testid-level = Sikkerhetsnivå
level-substantial = Betydelig
level-high = Høyt
problem-level-empty = Velg et sikkerhetsnivå.

# The SMS itself
sms-code = Porten: Engangskoden din er { $code }. Del den ikke med noen.
