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
change = Endre
save = Lagre
skip = Hopp over
digits = { $count } siffer.

## Choosing the electronic ID
choose-title = Velg innloggingsmetode
eid-minid = MinID
eid-minid-about = Fødselsnummer, passord og kode på SMS
eid-testid = TestID
eid-testid-about = For deg som tester: velg en testperson, uten passord
eid-unavailable = Svarer ikke akkurat nå
eid-last-used = Sist brukt
eid-minid-too-low = MinID kan ikke brukes her, fordi tjenesten krever høyere sikkerhet.
problem-eid-cancelled = Innloggingen ble avbrutt. Du kan prøve igjen eller velge en annen innloggingsmetode.
problem-eid-unavailable = Innloggingsmetoden svarer ikke akkurat nå. Prøv igjen om litt, eller velg en annen.
problem-eid-refused = Innloggingen kunne ikke godtas. Prøv igjen, eller velg en annen innloggingsmetode.
problem-eid-too-low = Innloggingen hadde et lavere sikkerhetsnivå enn tjenesten krever. Velg en annen innloggingsmetode.
problem-eid-nobody = Vi fikk ikke noe fødselsnummer eller D-nummer som kan brukes her. Velg en annen innloggingsmetode.
problem-eid-another = Noen andre er allerede logget inn her. Logg inn som samme person, eller logg ut først.

## MinID: identity number and password
password-title = Logg inn med MinID
fnr-label = Fødselsnummer
fnr-hint = 11 siffer. Du kan også bruke D‑nummer.
password-label = Passord
password-show = Vis passord
password-hide = Skjul passord
problem-wrong-password = Fødselsnummeret eller passordet er feil. Sjekk begge deler og prøv igjen. Får du det fortsatt ikke til, kan du ringe brukerstøtte på 800 30 300 eller skrive til brukerstotte@digdir.no.
problem-fnr-empty = Skriv inn fødselsnummeret ditt.
problem-fnr-digits = Fødselsnummeret må ha 11 siffer.
problem-fnr-invalid = Dette er ikke et gyldig fødselsnummer. Sjekk at du har tastet riktig.
problem-fnr-synthetic = Dette er et testnummer (syntetisk fødselsnummer). Det kan ikke brukes her.
problem-fnr-real = Dette er et testmiljø. Her kan du bare bruke syntetiske fødselsnummer.
problem-password-empty = Skriv inn passordet ditt.
problem-busy = Det er mange som logger inn akkurat nå. Vent noen sekunder og trykk på knappen igjen. Du har ikke mistet noe.
problem-too-many = Det har vært for mange forsøk fra nettverket ditt. Vent noen minutter og prøv igjen.
forgot = Glemt passord?
passkey-instead = Har du en passnøkkel? Da trenger du verken fødselsnummer eller passord.
passkey-instead-go = Logg inn med passnøkkel
passkey-not-now = Vi fikk ikke svar fra passnøkkelen. Prøv igjen, eller velg en annen måte å logge inn på.
passkey-no-script = Passnøkler trenger JavaScript, og det er slått av i nettleseren din. Velg en annen innloggingsmetode.
problem-passkey = Passnøkkelen ble ikke godtatt. Prøv igjen, eller velg en annen måte å logge inn på.

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
code-retired = Fra { $date } kan du ikke lenger logge inn med kode på SMS. Sett opp MinID-appen, en passnøkkel eller en kodeapp på profilsiden din før det.

## Changing the login method
method-otc = Kode på SMS
method-otc-about = Vi sender en engangskode til mobilen din
method-otc-sent = Vi har sendt deg en kode. Gå tilbake og skriv den inn.
method-app = MinID-appen
method-app-about = Godkjenn i appen på telefonen din
method-passkey = Passnøkkel
method-passkey-about = Bruk finger, ansikt eller skjermlås
method-totp = Kodeapp
method-totp-about = Koden fra en app du har satt opp
method-recovery = Gjenopprettingskode
method-recovery-about = Har du mistet telefonen? Bruk en kode fra listen din

## Consent
consent-title = Godkjenner du dette?
consent-intro = Tjenesten du logger inn på, ber om dette:
consent-intro-service = { $service } ber om dette:
consent-openid = Fødselsnummeret ditt
consent-profile = Språket du har valgt
consent-other = Andre opplysninger tjenesten trenger
consent-pseudonym = En kode som denne tjenesten kjenner deg igjen på, uten fødselsnummeret ditt
consent-details = En tilgang av denne typen:
consent-free = Du bestemmer selv. Velger du «Avslå», sender vi deg tilbake til tjenesten. Da blir du ikke logget inn, og vi deler ingenting.
consent-remembered = Vi husker svaret ditt til neste gang. Du kan trekke samtykket tilbake når som helst på profilsiden din i Porten.

## Pages where the way stops
stop-quarantined-title = MinID er satt på pause
stop-quarantined-why = Det har vært flere mislykkede forsøk på å logge inn. For å beskytte deg har vi satt MinID-en din på pause en stund.
stop-quarantined-until = Du kan prøve igjen kl. { $time }.
stop-quarantined-later = Du kan prøve igjen om en stund.
stop-quarantined-help = Var det ikke du som prøvde å logge inn? Ring brukerstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no.
stop-locked-title = MinID er sperret
stop-locked-why = MinID-en din er sperret og kan ikke brukes til å logge inn nå.
stop-closed-title = MinID er avsluttet
stop-closed-why = MinID-en din er avsluttet og kan ikke brukes lenger.
stop-no-phone-title = Vi mangler mobilnummeret ditt
stop-no-phone-why = Det er ikke registrert noe mobilnummer på MinID-en din, så vi kan ikke sende deg en kode.
stop-support = Ring brukerstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no, så hjelper vi deg.
stop-blocked-title = Du har sperret MinID
stop-blocked-why = MinID-en din er sperret fordi du har bedt om det. Ingen kan logge inn med den.
stop-blocked-how = Vil du åpne den igjen? Logg inn på profilsiden din med en elektronisk ID på høyt nivå, bestill et aktiveringsbrev, eller kontakt brukerstøtte på 800 30 300 eller brukerstotte@digdir.no.

## Notices and errors
error-title = En feil har oppstått
error-request = Tjenesten du kom fra, sendte noe vi ikke kan bruke. Det er ikke noe du har gjort feil. Gå tilbake til tjenesten og prøv igjen.
error-server = Noe gikk galt hos oss. Prøv igjen om litt.
error-not-found-title = Vi finner ikke siden
error-not-found = Adressen kan være skrevet feil, eller siden er flyttet. Skal du logge inn, må du starte fra tjenesten du skal bruke.
error-help = Skjer det igjen, kan du ringe brukerstøtte på 800 30 300 eller skrive til brukerstotte@digdir.no. Oppgi sporingsnummeret under.
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

## The citizen's own pages: what has been done
remove = Fjern
profile-said-saved = Endringen er lagret.
profile-said-removed = Det er fjernet.
profile-said-added = Den nye innloggingsmetoden er klar til bruk.
profile-said-logged-out = Du er logget ut der.
profile-said-reopened = MinID-en din er åpnet igjen.
profile-said-gone = Det er borte allerede, så ingenting er endret.

## The citizen's own pages: how they are reached
contact-what-for = Det offentlige bruker dette når de må nå deg, for eksempel med et vedtak.
contact-changed = Endret { $date }
contact-said = Sist bekreftet { $date }
contact-language-title = Språk
contact-language-label = Hvilket språk vil du ha brev og meldinger på?
reserve-title = Post på papir
reserve-about = Vil du ha post fra det offentlige på papir i stedet for digitalt? Da reserverer du deg. Du kan fortsatt logge inn med MinID.
reserve-since = Du har reservert deg mot digital post siden { $date }. Post fra det offentlige kommer på papir.
reserve-do = Reserver meg
reserve-undo = Ta imot digital post igjen
problem-proof-too-many = Det er sendt mange koder. Vent en stund før du ber om en ny.
problem-proof-failed = Vi fikk ikke sendt koden akkurat nå. Du har ikke mistet noe. Vent litt og prøv igjen.

## The citizen's own pages: how they log in
factors-title = Innloggingsmetodene dine
factors-none = Du har ikke MinID.
factor-since = Lagt til { $date }
factor-last-used = Sist brukt { $time }
factor-never-used = Ikke brukt ennå
device-paused = Satt på pause. Velg nytt passord, så kan du bruke den igjen.
add-app = Legg til MinID-appen
add-passkey = Lag en passnøkkel
add-totp = Legg til en kodeapp
recovery-codes = Gjenopprettingskoder
recovery-about = En liste med koder som du tar vare på. Mister du telefonen, kan du logge inn med en av dem.
recovery-left = Koder igjen: { $count }
recovery-make = Lag koder
recovery-renew = Lag nye koder
recovery-renew-about = Lager du nye koder, slutter de gamle å virke.
recovery-once = Kodene vises bare denne ene gangen. Skriv dem ut eller skriv dem av nå.
recovery-keep = Legg listen på et trygt sted, ikke sammen med telefonen. Hver kode kan brukes én gang.
recovery-kept = Jeg har tatt vare på kodene
preferred-title = Hva skal vi spørre etter først?
preferred-label = Innloggingsmetode
preferred-last = Den jeg brukte sist
problem-last-factor = Dette er den siste innloggingsmetoden din. Legg til en annen før du fjerner den.
password-elsewhere = Når du har byttet passord, blir du logget ut alle andre steder.

## The citizen's own pages: the MinID app
app-about = Med MinID-appen godkjenner du innlogginger på telefonen eller maskinen din, med finger, ansikt eller skjermlås. Du trenger ikke laste ned noe.
app-begin = Vis QR-kode
app-scan = Skann QR-koden med kameraet på telefonen du vil bruke.
app-qr-alt = QR-kode som åpner MinID-appen. Lenken under åpner den på denne maskinen.
app-here = Bruk appen på denne maskinen i stedet
app-follow = Følg det som står i appen.
app-number-then = Når appen viser et tall, skriver du det inn her.
app-five-minutes = QR-koden gjelder i fem minutter og kan brukes én gang. Vis den ikke til andre.
app-has-come = { $device } ber om å bli MinID-appen din. Skriv inn tallet som står i appen.
app-number-label = Tallet i appen
app-again = Begynn på nytt
problem-number-empty = Skriv inn tallet som står i appen.
problem-number-wrong = Det er ikke tallet som står i appen. Se etter, og prøv igjen. Har ikke du noen app som viser et tall? Da må du begynne på nytt.
problem-number-used-up = Tallet ble skrevet feil tre ganger. Begynn på nytt.
problem-device-gone = Det er ingen app som venter. Begynn på nytt.

## The citizen's own pages: where they are logged in, what has happened, all of it
places-title = Her er du logget inn
places-about = Antall steder: { $count }
places-unknown = Ukjent nettleser
places-since = Siden { $time }
places-this = Denne nettleseren
places-all = Logg ut alle steder
events-title = Dette har skjedd
events-about = Innlogginger og endringer
events-not-you = Ser du noe her som ikke var deg? Sperr MinID på profilsiden din, eller kontakt brukerstøtte på 800 30 300 eller brukerstotte@digdir.no.
events-none = Det har ikke skjedd noe ennå.
events-older = Vis eldre
event-address = IP-adresse { $address }
event-by-support = Gjort av brukerstøtte
event-by-school = Gjort av skolen
event-by-porten = Gjort av Porten
event-login = Innlogging hos { $service }
event-sso = Innlogging hos { $service }, uten at du måtte logge inn på nytt
event-by-app = MinID med MinID-appen
event-by-totp = MinID med kodeapp
event-by-passkey = MinID med passnøkkel
event-by-otc = MinID med engangskode
event-factor-added = Ny innloggingsmetode: { $what }
event-factor-removed = Innloggingsmetode fjernet: { $what }
event-factors-changed = Innloggingsmetodene er endret
event-password-changed = Passordet er endret
event-password-recovered = Nytt passord etter glemt passord
event-mobile-changed = Mobilnummeret er endret
event-email-changed = E-postadressen er endret
event-email-removed = E-postadressen er fjernet
event-contact-confirmed = Kontaktopplysningene er bekreftet
event-language-changed = Språket for brev og meldinger er endret
event-reserved = Reservert mot digital post
event-unreserved = Tar imot digital post igjen
event-recovery-codes = Nye gjenopprettingskoder
event-recovery-code-used = En gjenopprettingskode er brukt
event-signed-out = Logget ut
event-locked = MinID er sperret
event-opened = MinID er åpnet
event-closed = MinID er avsluttet
event-consent-given = Samtykke gitt til { $service }
event-consent-withdrawn = Samtykke trukket tilbake fra { $service }
event-quarantined = MinID er satt på pause etter flere mislykkede forsøk
event-locked-by-failures = MinID er sperret etter mange mislykkede forsøk
event-reset = MinID er nullstilt
event-number-changed = Fødselsnummeret er endret
event-looked-up = Brukerstøtte har sett på hva som har skjedd
event-letter-ordered = Aktiveringsbrev er bestilt
event-letter-sent = Aktiveringsbrev er sendt
event-letter-returned = Aktiveringsbrev kom i retur
event-letter-acknowledged = Trykkeriet har fått aktiveringsbrevet
event-letter-withdrawn = Aktiveringsbrevet blir trykt på nytt
event-registered = MinID er registrert
event-school-authorised = Du kan utstede MinID i skolen
event-school-unauthorised = Du kan ikke lenger utstede MinID i skolen
event-school-coupled = En ansatt på skolen kan gi deg MinID
event-school-uncoupled = En ansatt på skolen kan ikke gi deg MinID
event-school-code-issued = Du fikk en aktiveringskode på skolen
event-school-code-refused = En ansatt ville gi deg en aktiveringskode på skolen, men det gikk ikke
event-school-code-ended = Aktiveringskoden fra skolen ble avsluttet
event-code-guessed-at = En aktiveringskode til deg ble stengt, for den ble prøvd med andres fødselsnumre
event-school-letter-ended = Koden i aktiveringsbrevet sluttet å virke, fordi du fikk en kode på skolen
event-school-wrong-name = En ansatt meldte at navnet på skjermen var feil etter at koden var brukt. Er det ikke du som har tatt den i bruk, ring brukerstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no
event-school-not-identified = Skolen kunne ikke bekrefte hvem du er
event-school-role-given = Du fikk en rolle i skolen
event-school-role-ended = Du har ikke lenger en rolle i skolen
event-school-name-changed = Skolen endret navnet den har på deg
event-school-pupil-added = Skolen satte deg inn i en klasse
event-school-pupil-removed = Skolen tok deg ut av en klasse
event-school-denied = Du fikk ikke se en side i MinID i skolen
event-school-denied-choice = Du fikk ikke lagret et valg i MinID i skolen
event-school-report-read = Du så hvor langt skolene har kommet med MinID
event-imported = MinID er flyttet hit
event-device-paused = MinID-appen er satt på pause
event-data-fetched = Opplysningene dine er lastet ned
event-school-moved = Skolen din har fått en ny eier
event-other = Noe annet er endret
consents-about = Tjenester du har sagt ja til
data-title = Last ned opplysningene dine
data-about = Alt vi har om deg, i en fil

## The citizen's own pages: locking MinID
block-link = Sperr MinID
block-title = Vil du sperre MinID?
block-about = Tror du at noen andre har fått tak i passordet ditt eller telefonen din? Sperrer du MinID, kan ingen logge inn med den, og alle som er logget inn, blir logget ut. Er et aktiveringsbrev på vei til deg, blir det stoppet: Bestill et nytt etterpå.
block-back = Du kan åpne MinID igjen med en elektronisk ID på høyt nivå, med et aktiveringsbrev, eller ved å kontakte brukerstøtte på 800 30 300 eller brukerstotte@digdir.no.
block-do = Sperr MinID nå
block-done = MinID-en din er sperret fra nå av, og du er logget ut alle steder.
block-open = Åpne MinID
block-open-about = Du har vist hvem du er med en elektronisk ID på høyt nivå, så du kan åpne MinID igjen.
block-open-link = Åpne MinID igjen

## The citizen's own pages: closing MinID
close-link = Avslutt MinID
close-title = Vil du avslutte MinID?
close-pause = Er du redd for at noen andre bruker MinID-en din? Da er det nok å sperre den. Den kan åpnes igjen.
close-goes = Dette skjer
close-goes-login = Ingen kan logge inn med MinID-en din lenger, heller ikke du. Du kan fortsatt logge inn med en annen elektronisk ID.
close-goes-factors = Passordet og alle innloggingsmetodene dine blir slettet.
close-goes-contact = Mobilnummeret og e-postadressen din blir slettet. Da kan ikke det offentlige varsle deg på SMS eller e-post. Kontaktregisteret glemmer også den digitale postkassen din, og brev kan komme på papir. Vil du ha postkassen slettet, gjør du det hos leverandøren.
close-goes-consents = Samtykkene dine blir trukket tilbake.
close-goes-sessions = Du blir logget ut alle steder.
close-stays = Dette blir igjen
close-stays-services = Saker og opplysninger hos tjenestene du har brukt. Spør tjenesten hvis du vil ha noe slettet der.
close-stays-events = Navnet ditt og detaljene om det som har skjedd på MinID-en din. Vi sletter dem når det har gått { $days } dager.
close-stays-number = Fødselsnummeret ditt, og hva slags hendelser det har vært og når. Slik kan ingen ta over nummeret eller endre på det som har skjedd.
close-stays-reservation = Har du reservert deg mot digital post, gjelder det fortsatt.
close-anew = Vil du ha MinID igjen senere, må du registrere deg på nytt med et aktiveringsbrev. Trenger du hjelp, kan du ringe brukerstøtte på 800 30 300 eller skrive til brukerstotte@digdir.no.
close-sure = Ja, jeg vil avslutte MinID
problem-close-sure = Sett kryss i ruten for å avslutte MinID.
close-do = Avslutt MinID nå
close-done = MinID-en din er avsluttet, og du er logget ut alle steder. Passordet, innloggingsmetodene, mobilnummeret og e-postadressen din er slettet.

## The MinID app itself
device-about = Med MinID-appen godkjenner du at du logger inn, med finger, ansikt eller skjermlås.
device-no-script = MinID-appen trenger JavaScript, og det er slått av i nettleseren din. Velg en annen innloggingsmetode på profilsiden din.
device-offline = Du er uten nett. Appen virker igjen når du er på nett.
device-push-title = MinID
device-push-body = En innlogging venter på svar fra deg.
device-name-default = MinID-appen
device-gone = Det er for sent å svare på denne innloggingen. Prøv å logge inn på nytt.
device-invitation-over = Det er for sent å sette opp appen slik. Legg den til fra profilsiden din.
device-number-wrong = Det er ikke tallet som står på innloggingssiden. Se etter, og prøv igjen.
device-not-signed = Vi fikk ikke bekreftet at det er deg. Bruk finger, ansikt eller skjermlås, og prøv igjen.
device-unsupported = Denne nettleseren kan ikke brukes til MinID-appen. Oppdater den, eller prøv en annen.
device-push-refused = Varsler er slått av i nettleseren. Du kan slå dem på i innstillingene. Appen virker uten varsler når den er åpen.
device-removed = MinID-appen er ikke satt opp på denne enheten lenger.
device-already = MinID-appen er satt opp på denne enheten fra før. Skal en annen bruke den, må du først fjerne den nedenfor.
problem-too-many-factors = Du har så mange som du kan ha. Fjern en først.
device-start-title = MinID-appen
device-start-how = Du setter den opp fra profilsiden din: Velg «Innloggingsmetodene dine» og «Legg til MinID-appen».
device-enrol-title = Bruk denne enheten
device-enrol-how = Enheten lager en nøkkel som aldri forlater den. Du låser den opp med finger, ansikt eller skjermlås.
device-enrol-go = Sett opp appen
device-pair-title = Skriv tallet på siden med QR-koden
device-pair-how = Skriv dette tallet på siden der du fant QR-koden:
device-pair-waiting = Venter på at du skriver tallet
device-home-title = MinID-appen er klar
device-home-how = Når du logger inn, dukker innloggingen opp her.
device-is-paused = Appen er satt på pause. Logg inn og velg et nytt passord, så kan du bruke den igjen.
device-this-is = Denne enheten heter
device-push-on = Slå på varsler
device-push-off = Slå av varsler
device-leave = Fjern appen fra denne enheten
device-leave-about = Da kan du ikke lenger godkjenne innlogginger her.
device-leave-go = Fjern appen
device-request-title = Er det du som logger inn?
device-request-service = Tjeneste
device-request-time = Tidspunkt
device-request-browser = Nettleser
device-request-address = IP-adresse
device-request-number = Tallet på innloggingssiden
device-declined-title = Var det deg?
device-declined-how = Innloggingen er avslått. Var det du som prøvde å logge inn?
device-was-me = Ja, det var meg
device-not-me = Nei, det var ikke meg
device-said-approved = Innloggingen er godkjent.
device-said-declined = Innloggingen er avslått.
device-said-not-me = Noen kan kjenne passordet ditt. Vi har satt appen på pause, og du må velge nytt passord neste gang du logger inn.
event-app-declined = Innlogging avslått i MinID-appen

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
no-minid = Har du ikke MinID?
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

## MinID: the MinID app
app-title = Bekreft innlogging
app-sent = Vi har sendt et varsel til MinID-appen din. Du kan også åpne appen selv.
app-number = Skriv inn dette tallet i appen:
app-waiting = Venter på godkjenning
app-approved = Godkjent. Vi sender deg videre.
wait-lost = Forbindelsen er brutt. Vi prøver igjen hele tiden.
wait-back = Forbindelsen er tilbake.
app-until = Du kan svare til kl. { $time }.
app-answered = Jeg har svart i appen
app-resend = Send nytt varsel
notice-app-asked-again = Vi har sendt et nytt varsel, med et nytt tall.
notice-app-not-yet = Vi har ikke fått svar fra appen ennå.
problem-app-too-late = Tiden gikk ut før vi fikk svar fra appen. Send et nytt varsel, eller velg en annen innloggingsmetode.
problem-app-declined = Innloggingen ble avslått i MinID-appen.
problem-app-busy = En annen innlogging venter på svar i MinID-appen din. Svar på den først, eller velg en annen innloggingsmetode. Er det ikke du som logger inn? Velg «Avslå» i appen.
problem-app-quiet = Vi sender ikke varsel til MinID-appen din akkurat nå. Vent et kvarter, eller velg en annen innloggingsmetode.

## MinID: a code app, a passkey, a recovery code
totp-title = Skriv inn koden fra kodeappen
totp-where = Åpne kodeappen din og finn koden for MinID:
totp-label = Kode
totp-hint = 6 siffer. Koden byttes hvert halve minutt.
problem-totp-empty = Skriv inn koden fra kodeappen.
problem-totp-digits = Koden skal ha 6 siffer.
problem-totp-wrong = Feil kode. Vent til appen viser en ny kode, og skriv inn den.
problem-totp-wrong-last = Feil kode. Du har ett forsøk igjen. Vent til appen viser en ny kode.
passkey-title = Bekreft med passnøkkelen
passkey-where = Bruk fingeren, ansiktet eller skjermlåsen din, slik du gjør når du låser opp telefonen eller maskinen.
passkey-go = Bruk passnøkkelen
recovery-title = Skriv inn en gjenopprettingskode
recovery-where = Bruk en av kodene på listen du lagret. Hver kode kan brukes én gang.
recovery-label = Gjenopprettingskode
recovery-hint = 10 bokstaver og tall
problem-recovery-empty = Skriv inn en av kodene på listen.
problem-recovery-letters = En gjenopprettingskode har 10 bokstaver og tall. Sjekk at du har tastet riktig.
problem-recovery-wrong = Koden er feil eller brukt før. Prøv en annen.
problem-recovery-wrong-last = Koden er feil eller brukt før. Du har ett forsøk igjen.

## The password is forgotten
recover-title = Glemt passord
recover-how = Skriv inn fødselsnummeret ditt. Så sender vi en kode på SMS og en på e-post, og du velger et nytt passord.
recover-send = Send kode
recover-other = Andre måter å få nytt passord på
recover-by-passkey = Har du en passnøkkel? Da trenger du verken fødselsnummer eller koder for å velge et nytt passord.
recover-by-eid = Har du en passnøkkel eller en annen elektronisk ID? Logg inn på profilsiden din med den, og velg nytt passord der.
recover-to-profile = Gå til profilsiden
recover-sent-sms = Er fødselsnummeret registrert med MinID, har vi sendt en kode til mobilnummeret som er registrert.
recover-sent-email = Vi har sendt en kode til e-postadressen din, { $email }.
problem-recover-code-empty = Skriv inn koden du fikk.
problem-recover-code-digits-email = Koden skal ha 6 siffer.
problem-recover-code-wrong = Feil kode. Sjekk den siste meldingen du fikk, og prøv igjen.
recover-no-email-title = Vi mangler e-postadressen din
recover-no-email-why = For å være sikre på at det er deg, må vi sende en kode både på SMS og e-post. Vi har ingen e-postadresse vi kan sende til. Du kan få nytt passord på en av disse måtene:

## Choosing a password
new-password-title = Velg nytt passord
new-password-why = Noen andre kan kjenne det gamle passordet ditt. Derfor må du velge et nytt før du går videre.
new-password-label = Nytt passord
new-password-hint = Minst 8 tegn, med både bokstaver og tall. Noen tilfeldige ord og et tall er lette å huske og vanskelige å gjette.
repeat-password-label = Gjenta passord
problem-password-repeat = Passordene er ikke like. Skriv det samme begge steder.
problem-new-password-empty = Skriv inn et nytt passord.
problem-new-password-short = Passordet er for kort. Det må ha minst 8 tegn.
problem-new-password-long = Passordet er for langt. Det kan ha inntil 256 tegn.
problem-new-password-letter = Passordet må ha minst én bokstav.
problem-new-password-digit = Passordet må ha minst ett tall.
problem-new-password-characters = Passordet har et tegn som ikke kan brukes, for eksempel tabulator.
problem-new-password-breached = Dette passordet er stjålet fra et annet sted på nettet før, så andre kjenner det. Velg et annet.
problem-new-password-keyboard = Rader av taster er lette å gjette.
problem-new-password-repeats = Gjentakelser er lette å gjette.
problem-new-password-sequence = Rekker som «abc» eller «6543» er lette å gjette.
problem-new-password-date = Datoer og årstall er lette å gjette.
problem-new-password-name = Navn er lette å gjette.
problem-new-password-common = Mange bruker dette passordet, eller et som likner.
problem-new-password-word = Ett ord alene er lett å gjette.
problem-new-password-guessable = Passordet er for lett å gjette.
password-hint-words = Bruk flere ord som ikke hører sammen.
password-hint-capitals = Store bokstaver hjelper lite.
password-hint-tricks = Å bytte ut bokstaver, som «@» for «a», hjelper lite.
password-hint-patterns = Unngå mønster og gjentakelser.
password-hint-years = Unngå årstall og datoer som har med deg å gjøre.

## Setting up a way to log in
set-up-title = Velg en ny måte å logge inn på
set-up-why = Kode på SMS kan ikke lenger brukes til å logge inn. Det tar et par minutter å sette opp noe bedre, og så er du inne.
set-up-passkey-about = Lag en passnøkkel på telefonen eller maskinen du bruker nå
set-up-totp-about = Bruk en app som lager koder, på telefonen din
totp-set-up-title = Sett opp en kodeapp
totp-step-install = Installer en kodeapp på telefonen hvis du ikke har en. Alle vanlige kodeapper kan brukes.
totp-step-scan = Skann denne QR-koden med appen.
totp-step-typed = Kan du ikke skanne? Skriv inn denne nøkkelen i appen:
totp-step-code = Skriv inn koden som appen viser nå.
totp-qr-alt = QR-kode til kodeappen. Den samme nøkkelen står som tekst under.
totp-name-default = Kodeapp
totp-name-hint = Frivillig. For eksempel navnet på appen, så du finner den igjen.
factor-name-label = Hva vil du kalle den?
problem-totp-set-up = Koden stemmer ikke. Sjekk at telefonen viser riktig tid, vent på neste kode og prøv igjen.
passkey-set-up-title = Lag en passnøkkel
passkey-set-up-how = En passnøkkel ligger på telefonen eller maskinen din, og du låser den opp med finger, ansikt eller skjermlås. Ingen kan gjette den eller lure den fra deg.
passkey-set-up-go = Lag passnøkkel
passkey-name-default = Passnøkkel
passkey-name-hint = Frivillig. For eksempel «Telefonen min».

## How the citizen is reached
contact-title = Dine kontaktopplysninger
contact-why = Det offentlige bruker dette når de må nå deg, for eksempel med et vedtak. Stemmer det?
contact-none = Ikke registrert
contact-mobile-title = Mobilnummeret ditt
contact-email-title = E-postadressen din
contact-send-code = Send kode
mobile-label = Mobilnummer
mobile-hint = Vi sender en kode dit. Er nummeret utenlandsk, begynner du med + og landkoden.
email-label = E-post
email-hint = Vi sender en kode dit.
problem-mobile = Dette er ikke et mobilnummer vi kan sende SMS til. Sjekk at du har tastet riktig.
problem-email = Dette er ikke en e-postadresse. Den skal se ut som dette: kari@eksempel.no
proof-title = Skriv inn koden
proof-sent-sms = Vi har sendt en kode på SMS til { $to }.
proof-sent-email = Vi har sendt en kode på e-post til { $to }.
problem-proof-used-up = Koden ble skrevet feil tre ganger. Be om en ny kode.

# The SMS itself
sms-code = MinID: Engangskoden din er { $code }. Del den ikke med noen.
sms-recovery-code = MinID: Koden for nytt passord er { $code }. Del den ikke med noen. Har du ikke bedt om den? Da trenger du ikke gjøre noe.
mail-recovery-subject = Kode for nytt passord til MinID
mail-recovery-code = Koden for nytt passord til MinID er { $code }. Del den ikke med noen. Har du ikke bedt om den? Da kan du se bort fra denne e-posten.
sms-proof-code = MinID: Koden som bekrefter mobilnummeret ditt, er { $code }. Del den ikke med noen. Har du ikke bedt om den? Da trenger du ikke gjøre noe.
mail-proof-subject = MinID: Kode for å bekrefte e-postadressen din
mail-proof-code = Koden som bekrefter e-postadressen din, er { $code }. Del den ikke med noen. Har du ikke bedt om den? Da trenger du ikke gjøre noe.
tell-subject = Melding om MinID-en din
tell-password-changed = MinID: Passordet ditt er endret.
tell-mobile-changed = MinID: Mobilnummeret ditt er endret.
tell-email-changed = MinID: E-postadressen din er endret.
tell-factor-added = MinID: En ny innloggingsmetode er lagt til: { $what }.
tell-factor-removed = MinID: En innloggingsmetode er fjernet: { $what }.
tell-blocked = MinID-en din er sperret.
tell-reopened = MinID-en din er åpnet igjen.
tell-app-quiet = MinID-appen din fikk tre innlogginger som ble avslått. Vi lar den være i fred i et kvarter.
tell-not-me = MinID: I appen er det svart at en innlogging ikke var din. Appen er satt på pause, og du må velge nytt passord neste gang du logger inn.
tell-recovery-code-used = MinID: En gjenopprettingskode er brukt til å logge inn.
tell-closed = MinID-en din er avsluttet.
tell-reset = MinID: Passordet og alle innloggingsmetodene dine er fjernet.
tell-signed-out = MinID: Du er logget ut alle steder.
tell-number-changed = MinID: Fødselsnummeret ditt er endret.
tell-school-code = MinID: En ansatt på en skole har gitt deg en aktiveringskode.
tell-by-support = Brukerstøtte har gjort det. Har du ikke bedt om det? Ring 800 30 300.
tell-not-you = Var det ikke deg? Ring 800 30 300.
