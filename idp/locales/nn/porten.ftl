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
change = Endre
save = Lagre
skip = Hopp over
digits = { $count } siffer.

## Choosing the electronic ID
choose-title = Vel innloggingsmetode
eid-minid = MinID
eid-minid-about = Fødselsnummer, passord og kode på SMS
eid-testid = TestID
eid-testid-about = For deg som testar: vel ein testperson, utan passord
eid-unavailable = Svarer ikkje akkurat no
eid-last-used = Sist brukt
eid-minid-too-low = MinID kan ikkje brukast her, fordi tenesta krev høgare tryggleik.
problem-eid-cancelled = Innlogginga vart avbroten. Du kan prøve igjen eller velje ein annan innloggingsmetode.
problem-eid-unavailable = Innloggingsmetoden svarer ikkje akkurat no. Prøv igjen om litt, eller vel ein annan.
problem-eid-refused = Innlogginga kunne ikkje godtakast. Prøv igjen, eller vel ein annan innloggingsmetode.
problem-eid-too-low = Innlogginga hadde eit lågare tryggleiksnivå enn tenesta krev. Vel ein annan innloggingsmetode.
problem-eid-nobody = Vi fekk ikkje noko fødselsnummer eller D-nummer som kan brukast her. Vel ein annan innloggingsmetode.
problem-eid-another = Nokon andre er allereie logga inn her. Logg inn som same person, eller logg ut først.

## MinID: identity number and password
password-title = Logg inn med MinID
fnr-label = Fødselsnummer
fnr-hint = 11 siffer. Du kan òg bruke D‑nummer.
password-label = Passord
password-show = Vis passord
password-hide = Gøym passord
problem-wrong-password = Fødselsnummeret eller passordet er feil. Sjekk begge delar og prøv igjen. Får du det framleis ikkje til, kan du ringje brukarstøtte på 800 30 300 eller skrive til brukerstotte@digdir.no.
problem-fnr-empty = Skriv inn fødselsnummeret ditt.
problem-fnr-digits = Fødselsnummeret må ha 11 siffer.
problem-fnr-invalid = Dette er ikkje eit gyldig fødselsnummer. Sjekk at du har tasta rett.
problem-fnr-synthetic = Dette er eit testnummer (syntetisk fødselsnummer). Det kan ikkje brukast her.
problem-fnr-real = Dette er eit testmiljø. Her kan du berre bruke syntetiske fødselsnummer.
problem-password-empty = Skriv inn passordet ditt.
problem-busy = Det er mange som loggar inn akkurat no. Vent nokre sekund og trykk på knappen igjen. Du har ikkje mista noko.
problem-too-many = Det har vore for mange forsøk frå nettverket ditt. Vent nokre minutt og prøv igjen.
forgot = Gløymt passord?
passkey-instead = Har du ein passnøkkel? Då treng du verken fødselsnummer eller passord.
passkey-instead-go = Logg inn med passnøkkel
passkey-not-now = Vi fekk ikkje svar frå passnøkkelen. Prøv igjen, eller vel ein annan måte å logge inn på.
passkey-no-script = Passnøklar treng JavaScript, og det er slått av i nettlesaren din. Vel ein annan innloggingsmetode.
problem-passkey = Passnøkkelen vart ikkje godteken. Prøv igjen, eller vel ein annan måte å logge inn på.

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
problem-sms-failed = Vi fekk ikkje sendt SMS akkurat no. Du har ikkje mista noko. Vent litt og prøv igjen.
problem-sms-too-many = Vi har sendt mange kodar til dette mobilnummeret. Vent ei stund før du ber om ein ny.
problem-resend-wait = Vi har nettopp sendt deg ein kode. Vent eit halvt minutt før du ber om ein ny.
notice-code-sent-again = Vi har sendt deg ein ny kode. Bruk den siste koden du fekk.
notice-more-time = Du har fått meir tid.
code-retired = Frå { $date } kan du ikkje lenger logge inn med kode på SMS. Set opp MinID-appen, ein passnøkkel eller ein kodeapp på profilsida di før det.

## Changing the login method
method-otc = Kode på SMS
method-otc-about = Vi sender ein eingongskode til mobilen din
method-otc-sent = Vi har sendt deg ein kode. Gå tilbake og skriv han inn.
method-app = MinID-appen
method-app-about = Godkjenn i appen på telefonen din
method-passkey = Passnøkkel
method-passkey-about = Bruk finger, ansikt eller skjermlås
method-totp = Kodeapp
method-totp-about = Koden frå ein app du har sett opp
method-recovery = Gjenopprettingskode
method-recovery-about = Har du mista telefonen? Bruk ein kode frå lista di

## Consent
consent-title = Godkjenner du dette?
consent-intro = Tenesta du loggar inn på, ber om dette:
consent-intro-service = { $service } ber om dette:
consent-openid = Fødselsnummeret ditt
consent-profile = Språket du har valt
consent-other = Andre opplysningar tenesta treng
consent-pseudonym = Ein kode som denne tenesta kjenner deg att på, utan fødselsnummeret ditt
consent-details = Ein tilgang av denne typen:
consent-free = Du avgjer sjølv. Vel du «Avslå», sender vi deg tilbake til tenesta. Då blir du ikkje logga inn, og vi deler ingenting.
consent-remembered = Vi hugsar svaret ditt til neste gong. Du kan trekkje samtykket tilbake når som helst på profilsida di i Porten.

## Pages where the way stops
stop-quarantined-title = MinID er sett på pause
stop-quarantined-why = Det har vore fleire mislykka forsøk på å logge inn. For å verne deg har vi sett MinID-en din på pause ei stund.
stop-quarantined-until = Du kan prøve igjen kl. { $time }.
stop-quarantined-later = Du kan prøve igjen om ei stund.
stop-quarantined-help = Var det ikkje du som prøvde å logge inn? Ring brukarstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no.
stop-locked-title = MinID er sperra
stop-locked-why = MinID-en din er sperra og kan ikkje brukast til å logge inn no.
stop-closed-title = MinID er avslutta
stop-closed-why = MinID-en din er avslutta og kan ikkje brukast lenger.
stop-no-phone-title = Vi manglar mobilnummeret ditt
stop-no-phone-why = Det er ikkje registrert noko mobilnummer på MinID-en din, så vi kan ikkje sende deg ein kode.
stop-support = Ring brukarstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no, så hjelper vi deg.
stop-blocked-title = Du har sperra MinID
stop-blocked-why = MinID-en din er sperra fordi du har bede om det. Ingen kan logge inn med han.
stop-blocked-how = Vil du opne han att? Logg inn på profilsida di med ein elektronisk ID på høgt nivå, bestill eit aktiveringsbrev, eller kontakt brukarstøtte på 800 30 300 eller brukerstotte@digdir.no.

## Notices and errors
error-title = Ein feil har oppstått
error-request = Tenesta du kom frå, sende noko vi ikkje kan bruke. Det er ikkje noko du har gjort feil. Gå tilbake til tenesta og prøv igjen.
error-server = Noko gjekk gale hos oss. Prøv igjen om litt.
error-not-found-title = Vi finn ikkje sida
error-not-found = Adressa kan vere skriven feil, eller sida er flytta. Skal du logge inn, må du starte frå tenesta du skal bruke.
error-help = Skjer det igjen, kan du ringje brukarstøtte på 800 30 300 eller skrive til brukerstotte@digdir.no. Oppgi sporingsnummeret under.
expired-title = Innlogginga er gått ut
expired-body = Det kan ha gått for lang tid, eller du kan ha opna sida frå eit bokmerke eller ein favoritt. Start på nytt frå tenesta du skal logge inn på.
other-browser-title = Vi kjenner ikkje att nettlesaren
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

## The citizen's own pages: what has been done
remove = Fjern
profile-said-saved = Endringa er lagra.
profile-said-removed = Det er fjerna.
profile-said-added = Den nye innloggingsmetoden er klar til bruk.
profile-said-logged-out = Du er logga ut der.
profile-said-reopened = MinID-en din er opna att.
profile-said-gone = Det er borte allereie, så ingenting er endra.

## The citizen's own pages: how they are reached
contact-what-for = Det offentlege bruker dette når dei må nå deg, til dømes med eit vedtak.
contact-changed = Endra { $date }
contact-said = Sist stadfesta { $date }
contact-language-title = Språk
contact-language-label = Kva språk vil du ha brev og meldingar på?
reserve-title = Post på papir
reserve-about = Vil du ha post frå det offentlege på papir i staden for digitalt? Då reserverer du deg. Du kan framleis logge inn med MinID.
reserve-since = Du har reservert deg mot digital post sidan { $date }. Post frå det offentlege kjem på papir.
reserve-do = Reserver meg
reserve-undo = Ta imot digital post att
problem-proof-too-many = Det er sendt mange kodar. Vent ei stund før du ber om ein ny.
problem-proof-failed = Vi fekk ikkje sendt koden akkurat no. Du har ikkje mista noko. Vent litt og prøv igjen.

## The citizen's own pages: how they log in
factors-title = Innloggingsmetodane dine
factors-none = Du har ikkje MinID.
factor-since = Lagd til { $date }
factor-last-used = Sist brukt { $time }
factor-never-used = Ikkje brukt enno
device-paused = Sett på pause. Vel nytt passord, så kan du bruke han att.
add-app = Legg til MinID-appen
add-passkey = Lag ein passnøkkel
add-totp = Legg til ein kodeapp
recovery-codes = Gjenopprettingskodar
recovery-about = Ei liste med kodar som du tek vare på. Mistar du telefonen, kan du logge inn med ein av dei.
recovery-left = Kodar att: { $count }
recovery-make = Lag kodar
recovery-renew = Lag nye kodar
recovery-renew-about = Lagar du nye kodar, sluttar dei gamle å verke.
recovery-once = Kodane blir viste berre denne eine gongen. Skriv dei ut eller skriv dei av no.
recovery-keep = Legg lista på ein trygg stad, ikkje saman med telefonen. Kvar kode kan brukast éin gong.
recovery-kept = Eg har teke vare på kodane
preferred-title = Kva skal vi spørje etter først?
preferred-label = Innloggingsmetode
preferred-last = Den eg brukte sist
problem-last-factor = Dette er den siste innloggingsmetoden din. Legg til ein annan før du fjernar han.
password-elsewhere = Når du har bytt passord, blir du logga ut alle andre stader.

## The citizen's own pages: the MinID app
app-about = Med MinID-appen godkjenner du innloggingar på telefonen eller maskina di, med finger, ansikt eller skjermlås. Du treng ikkje laste ned noko.
app-begin = Vis QR-kode
app-scan = Skann QR-koden med kameraet på telefonen du vil bruke.
app-qr-alt = QR-kode som opnar MinID-appen. Lenkja under opnar han på denne maskina.
app-here = Bruk appen på denne maskina i staden
app-follow = Følg det som står i appen.
app-number-then = Når appen viser eit tal, skriv du det inn her.
app-five-minutes = QR-koden gjeld i fem minutt og kan brukast éin gong. Vis han ikkje til andre.
app-has-come = { $device } ber om å bli MinID-appen din. Skriv inn talet som står i appen.
app-number-label = Talet i appen
app-again = Byrj på nytt
problem-number-empty = Skriv inn talet som står i appen.
problem-number-wrong = Det er ikkje talet som står i appen. Sjå etter, og prøv igjen. Har ikkje du nokon app som viser eit tal? Då må du byrje på nytt.
problem-number-used-up = Talet vart skrive feil tre gonger. Byrj på nytt.
problem-device-gone = Det er ingen app som ventar. Byrj på nytt.

## The citizen's own pages: where they are logged in, what has happened, all of it
places-title = Her er du logga inn
places-about = Tal på stader: { $count }
places-unknown = Ukjend nettlesar
places-since = Sidan { $time }
places-this = Denne nettlesaren
places-all = Logg ut alle stader
events-title = Dette har skjedd
events-about = Innloggingar og endringar
events-not-you = Ser du noko her som ikkje var deg? Sperr MinID på profilsida di, eller kontakt brukarstøtte på 800 30 300 eller brukerstotte@digdir.no.
events-none = Det har ikkje skjedd noko enno.
events-older = Vis eldre
event-address = IP-adresse { $address }
event-by-support = Gjort av brukarstøtte
event-by-school = Gjort av skulen
event-by-porten = Gjort av Porten
event-login = Innlogging hos { $service }
event-sso = Innlogging hos { $service }, utan at du måtte logge inn på nytt
event-by-app = MinID med MinID-appen
event-by-totp = MinID med kodeapp
event-by-passkey = MinID med passnøkkel
event-by-otc = MinID med eingongskode
event-factor-added = Ny innloggingsmetode: { $what }
event-factor-removed = Innloggingsmetode fjerna: { $what }
event-factors-changed = Innloggingsmetodane er endra
event-password-changed = Passordet er endra
event-password-recovered = Nytt passord etter gløymt passord
event-mobile-changed = Mobilnummeret er endra
event-email-changed = E-postadressa er endra
event-email-removed = E-postadressa er fjerna
event-contact-confirmed = Kontaktopplysningane er stadfesta
event-language-changed = Språket for brev og meldingar er endra
event-reserved = Reservert mot digital post
event-unreserved = Tek imot digital post att
event-recovery-codes = Nye gjenopprettingskodar
event-recovery-code-used = Ein gjenopprettingskode er brukt
event-signed-out = Logga ut
event-locked = MinID er sperra
event-opened = MinID er opna
event-closed = MinID er avslutta
event-consent-given = Samtykke gitt til { $service }
event-consent-withdrawn = Samtykke trekt tilbake frå { $service }
event-quarantined = MinID er sett på pause etter fleire mislykka forsøk
event-locked-by-failures = MinID er sperra etter mange mislykka forsøk
event-reset = MinID er nullstilt
event-number-changed = Fødselsnummeret er endra
event-looked-up = Brukarstøtte har sett på kva som har skjedd
event-letter-ordered = Aktiveringsbrev er bestilt
event-letter-sent = Aktiveringsbrev er sendt
event-letter-returned = Aktiveringsbrev kom i retur
event-letter-acknowledged = Trykkeriet har fått aktiveringsbrevet
event-letter-withdrawn = Aktiveringsbrevet blir trykt på nytt
event-registered = MinID er registrert
event-school-authorised = Du kan utferde MinID i skulen
event-school-unauthorised = Du kan ikkje lenger utferde MinID i skulen
event-school-coupled = Ein tilsett på skulen kan gi deg MinID
event-school-uncoupled = Ein tilsett på skulen kan ikkje gi deg MinID
event-school-code-issued = Du fekk ein aktiveringskode på skulen
event-school-code-refused = Ein tilsett ville gi deg ein aktiveringskode på skulen, men det gjekk ikkje
event-school-code-ended = Aktiveringskoden frå skulen vart avslutta
event-code-guessed-at = Ein aktiveringskode til deg vart stengd, for han vart prøvd med fødselsnummera til andre
event-school-letter-ended = Koden i aktiveringsbrevet slutta å verke, fordi du fekk ein kode på skulen
event-school-wrong-name = Ein tilsett melde at namnet på skjermen var feil etter at koden var brukt. Er det ikkje du som har teke han i bruk, ring brukarstøtte på 800 30 300 eller skriv til brukerstotte@digdir.no
event-school-not-identified = Skulen kunne ikkje stadfeste kven du er
event-school-role-given = Du fekk ei rolle i skulen
event-school-role-ended = Du har ikkje lenger ei rolle i skulen
event-school-name-changed = Skulen endra namnet han har på deg
event-school-pupil-added = Skulen sette deg inn i ein klasse
event-school-pupil-removed = Skulen tok deg ut av ein klasse
event-school-denied = Du fekk ikkje sjå ei side i MinID i skulen
event-school-denied-choice = Du fekk ikkje lagra eit val i MinID i skulen
event-school-report-read = Du såg kor langt skulane har kome med MinID
event-imported = MinID er flytta hit
event-device-paused = MinID-appen er sett på pause
event-data-fetched = Opplysningane dine er lasta ned
event-school-moved = Skulen din har fått ein ny eigar
event-other = Noko anna er endra
consents-about = Tenester du har sagt ja til
data-title = Last ned opplysningane dine
data-about = Alt vi har om deg, i ei fil

## The citizen's own pages: locking MinID
block-link = Sperr MinID
block-title = Vil du sperre MinID?
block-about = Trur du at nokon andre har fått tak i passordet ditt eller telefonen din? Sperrar du MinID, kan ingen logge inn med han, og alle som er logga inn, blir logga ut. Er eit aktiveringsbrev på veg til deg, blir det stoppa: Bestill eit nytt etterpå.
block-back = Du kan opne MinID att med ein elektronisk ID på høgt nivå, med eit aktiveringsbrev, eller ved å kontakte brukarstøtte på 800 30 300 eller brukerstotte@digdir.no.
block-do = Sperr MinID no
block-done = MinID-en din er sperra frå no av, og du er logga ut alle stader.
block-open = Opne MinID
block-open-about = Du har vist kven du er med ein elektronisk ID på høgt nivå, så du kan opne MinID att.
block-open-link = Opne MinID att

## The citizen's own pages: closing MinID
close-link = Avslutt MinID
close-title = Vil du avslutte MinID?
close-pause = Er du redd for at nokon andre bruker MinID-en din? Då er det nok å sperre han. Han kan opnast att.
close-goes = Dette skjer
close-goes-login = Ingen kan logge inn med MinID-en din lenger, heller ikkje du. Du kan framleis logge inn med ein annan elektronisk ID.
close-goes-factors = Passordet og alle innloggingsmetodane dine blir sletta.
close-goes-contact = Mobilnummeret og e-postadressa di blir sletta. Då kan ikkje det offentlege varsle deg på SMS eller e-post. Kontaktregisteret gløymer òg den digitale postkassa di, og brev kan kome på papir. Vil du ha postkassa sletta, gjer du det hos leverandøren.
close-goes-consents = Samtykka dine blir trekte tilbake.
close-goes-sessions = Du blir logga ut alle stader.
close-stays = Dette blir att
close-stays-services = Saker og opplysningar hos tenestene du har brukt. Spør tenesta om du vil ha noko sletta der.
close-stays-events = Namnet ditt og detaljane om det som har skjedd på MinID-en din. Vi slettar dei når det har gått { $days } dagar.
close-stays-number = Fødselsnummeret ditt, og kva slags hendingar det har vore og når. Slik kan ingen ta over nummeret eller endre på det som har skjedd.
close-stays-reservation = Har du reservert deg mot digital post, gjeld det framleis.
close-anew = Vil du ha MinID att seinare, må du registrere deg på nytt med eit aktiveringsbrev. Treng du hjelp, kan du ringje brukarstøtte på 800 30 300 eller skrive til brukerstotte@digdir.no.
close-sure = Ja, eg vil avslutte MinID
problem-close-sure = Set kryss i ruta for å avslutte MinID.
close-do = Avslutt MinID no
close-done = MinID-en din er avslutta, og du er logga ut alle stader. Passordet, innloggingsmetodane, mobilnummeret og e-postadressa di er sletta.

## The MinID app itself
device-about = Med MinID-appen godkjenner du at du loggar inn, med finger, ansikt eller skjermlås.
device-no-script = MinID-appen treng JavaScript, og det er slått av i nettlesaren din. Vel ein annan innloggingsmetode på profilsida di.
device-offline = Du er utan nett. Appen verkar att når du er på nett.
device-push-title = MinID
device-push-body = Ei innlogging ventar på svar frå deg.
device-name-default = MinID-appen
device-gone = Det er for seint å svare på denne innlogginga. Prøv å logge inn på nytt.
device-invitation-over = Det er for seint å setje opp appen slik. Legg han til frå profilsida di.
device-number-wrong = Det er ikkje talet som står på innloggingssida. Sjå etter, og prøv igjen.
device-not-signed = Vi fekk ikkje stadfesta at det er deg. Bruk finger, ansikt eller skjermlås, og prøv igjen.
device-unsupported = Denne nettlesaren kan ikkje brukast til MinID-appen. Oppdater han, eller prøv ein annan.
device-push-refused = Varsel er slått av i nettlesaren. Du kan slå dei på i innstillingane. Appen verkar utan varsel når han er open.
device-removed = MinID-appen er ikkje sett opp på denne eininga lenger.
device-already = MinID-appen er sett opp på denne eininga frå før. Skal ein annan bruke han, må du først fjerne han nedanfor.
problem-too-many-factors = Du har så mange som du kan ha. Fjern ein først.
device-start-title = MinID-appen
device-start-how = Du set han opp frå profilsida di: Vel «Innloggingsmetodane dine» og «Legg til MinID-appen».
device-enrol-title = Bruk denne eininga
device-enrol-how = Eininga lagar ein nøkkel som aldri forlèt henne. Du låser han opp med finger, ansikt eller skjermlås.
device-enrol-go = Set opp appen
device-pair-title = Skriv talet på sida med QR-koden
device-pair-how = Skriv dette talet på sida der du fann QR-koden:
device-pair-waiting = Ventar på at du skriv talet
device-home-title = MinID-appen er klar
device-home-how = Når du loggar inn, dukkar innlogginga opp her.
device-is-paused = Appen er sett på pause. Logg inn og vel eit nytt passord, så kan du bruke han att.
device-this-is = Denne eininga heiter
device-push-on = Slå på varsel
device-push-off = Slå av varsel
device-leave = Fjern appen frå denne eininga
device-leave-about = Då kan du ikkje lenger godkjenne innloggingar her.
device-leave-go = Fjern appen
device-request-title = Er det du som loggar inn?
device-request-service = Teneste
device-request-time = Tidspunkt
device-request-browser = Nettlesar
device-request-address = IP-adresse
device-request-number = Talet på innloggingssida
device-declined-title = Var det deg?
device-declined-how = Innlogginga er avslått. Var det du som prøvde å logge inn?
device-was-me = Ja, det var meg
device-not-me = Nei, det var ikkje meg
device-said-approved = Innlogginga er godkjend.
device-said-declined = Innlogginga er avslått.
device-said-not-me = Nokon kan kjenne passordet ditt. Vi har sett appen på pause, og du må velje nytt passord neste gong du loggar inn.
event-app-declined = Innlogging avslått i MinID-appen

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
logged-out-silent-title = Ikkje alle tenestene svarte
logged-out-silent-what = Du er logga ut av Porten, men det kan hende at du framleis er logga inn her:
logged-out-silent-do = Deler du maskina med andre? Lukk alle vindauga i nettlesaren, så kjem ingen andre inn der.

## On the way back to the service
form-post-title = Du er straks framme
form-post-body = Vi sender deg tilbake til tenesta. Skjer det ingenting, trykkjer du på knappen.

## The front page
no-minid = Har du ikkje MinID?
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

## MinID: the MinID app
app-title = Stadfest innlogging
app-sent = Vi har sendt eit varsel til MinID-appen din. Du kan òg opne appen sjølv.
app-number = Skriv inn dette talet i appen:
app-waiting = Ventar på godkjenning
app-approved = Godkjent. Vi sender deg vidare.
wait-lost = Sambandet er brote. Vi prøver igjen heile tida.
wait-back = Sambandet er tilbake.
app-until = Du kan svare til kl. { $time }.
app-answered = Eg har svart i appen
app-resend = Send nytt varsel
notice-app-asked-again = Vi har sendt eit nytt varsel, med eit nytt tal.
notice-app-not-yet = Vi har ikkje fått svar frå appen enno.
problem-app-too-late = Tida gjekk ut før vi fekk svar frå appen. Send eit nytt varsel, eller vel ein annan innloggingsmetode.
problem-app-declined = Innlogginga vart avslått i MinID-appen.
problem-app-busy = Ei anna innlogging ventar på svar i MinID-appen din. Svar på den først, eller vel ein annan innloggingsmetode. Er det ikkje du som loggar inn? Vel «Avslå» i appen.
problem-app-quiet = Vi sender ikkje varsel til MinID-appen din akkurat no. Vent eit kvarter, eller vel ein annan innloggingsmetode.

## MinID: a code app, a passkey, a recovery code
totp-title = Skriv inn koden frå kodeappen
totp-where = Opne kodeappen din og finn koden for MinID:
totp-label = Kode
totp-hint = 6 siffer. Koden blir bytt kvart halve minutt.
problem-totp-empty = Skriv inn koden frå kodeappen.
problem-totp-digits = Koden skal ha 6 siffer.
problem-totp-wrong = Feil kode. Vent til appen viser ein ny kode, og skriv inn den.
problem-totp-wrong-last = Feil kode. Du har eitt forsøk igjen. Vent til appen viser ein ny kode.
passkey-title = Stadfest med passnøkkelen
passkey-where = Bruk fingeren, ansiktet eller skjermlåsen din, slik du gjer når du låser opp telefonen eller maskina.
passkey-go = Bruk passnøkkelen
recovery-title = Skriv inn ein gjenopprettingskode
recovery-where = Bruk ein av kodane på lista du lagra. Kvar kode kan brukast éin gong.
recovery-label = Gjenopprettingskode
recovery-hint = 10 bokstavar og tal
problem-recovery-empty = Skriv inn ein av kodane på lista.
problem-recovery-letters = Ein gjenopprettingskode har 10 bokstavar og tal. Sjekk at du har tasta rett.
problem-recovery-wrong = Koden er feil eller brukt før. Prøv ein annan.
problem-recovery-wrong-last = Koden er feil eller brukt før. Du har eitt forsøk igjen.

## The password is forgotten
recover-title = Gløymt passord
recover-how = Skriv inn fødselsnummeret ditt. Så sender vi ein kode på SMS og ein på e-post, og du vel eit nytt passord.
recover-send = Send kode
recover-other = Andre måtar å få nytt passord på
recover-by-passkey = Har du ein passnøkkel? Då treng du verken fødselsnummer eller kodar for å velje eit nytt passord.
recover-by-eid = Har du ein passnøkkel eller ein annan elektronisk ID? Logg inn på profilsida di med den, og vel nytt passord der.
recover-to-profile = Gå til profilsida
recover-sent-sms = Er fødselsnummeret registrert med MinID, har vi sendt ein kode til mobilnummeret som er registrert.
recover-sent-email = Vi har sendt ein kode til e-postadressa di, { $email }.
problem-recover-code-empty = Skriv inn koden du fekk.
problem-recover-code-digits-email = Koden skal ha 6 siffer.
problem-recover-code-wrong = Feil kode. Sjekk den siste meldinga du fekk, og prøv igjen.
recover-no-email-title = Vi manglar e-postadressa di
recover-no-email-why = For å vere sikre på at det er deg, må vi sende ein kode både på SMS og e-post. Vi har inga e-postadresse vi kan sende til. Du kan få nytt passord på ein av desse måtane:

## Choosing a password
new-password-title = Vel nytt passord
new-password-why = Nokon andre kan kjenne det gamle passordet ditt. Difor må du velje eit nytt før du går vidare.
new-password-label = Nytt passord
new-password-hint = Minst 8 teikn, med både bokstavar og tal. Nokre tilfeldige ord og eit tal er lette å hugse og vanskelege å gjette.
repeat-password-label = Gjenta passord
problem-password-repeat = Passorda er ikkje like. Skriv det same begge stader.
problem-new-password-empty = Skriv inn eit nytt passord.
problem-new-password-short = Passordet er for kort. Det må ha minst 8 teikn.
problem-new-password-long = Passordet er for langt. Det kan ha inntil 256 teikn.
problem-new-password-letter = Passordet må ha minst éin bokstav.
problem-new-password-digit = Passordet må ha minst eitt tal.
problem-new-password-characters = Passordet har eit teikn som ikkje kan brukast, til dømes tabulator.
problem-new-password-breached = Dette passordet er stole frå ein annan stad på nettet før, så andre kjenner det. Vel eit anna.
problem-new-password-keyboard = Rader av tastar er lette å gjette.
problem-new-password-repeats = Gjentakingar er lette å gjette.
problem-new-password-sequence = Rekkjer som «abc» eller «6543» er lette å gjette.
problem-new-password-date = Datoar og årstal er lette å gjette.
problem-new-password-name = Namn er lette å gjette.
problem-new-password-common = Mange bruker dette passordet, eller eit som liknar.
problem-new-password-word = Eitt ord åleine er lett å gjette.
problem-new-password-guessable = Passordet er for lett å gjette.
password-hint-words = Bruk fleire ord som ikkje høyrer saman.
password-hint-capitals = Store bokstavar hjelper lite.
password-hint-tricks = Å byte ut bokstavar, som «@» for «a», hjelper lite.
password-hint-patterns = Unngå mønster og gjentakingar.
password-hint-years = Unngå årstal og datoar som har med deg å gjere.

## Setting up a way to log in
set-up-title = Vel ein ny måte å logge inn på
set-up-why = Kode på SMS kan ikkje lenger brukast til å logge inn. Det tek eit par minutt å setje opp noko betre, og så er du inne.
set-up-passkey-about = Lag ein passnøkkel på telefonen eller maskina du bruker no
set-up-totp-about = Bruk ein app som lagar kodar, på telefonen din
totp-set-up-title = Set opp ein kodeapp
totp-step-install = Installer ein kodeapp på telefonen om du ikkje har ein. Alle vanlege kodeappar kan brukast.
totp-step-scan = Skann denne QR-koden med appen.
totp-step-typed = Kan du ikkje skanne? Skriv inn denne nøkkelen i appen:
totp-step-code = Skriv inn koden som appen viser no.
totp-qr-alt = QR-kode til kodeappen. Den same nøkkelen står som tekst under.
totp-name-default = Kodeapp
totp-name-hint = Frivillig. Til dømes namnet på appen, så du finn han igjen.
factor-name-label = Kva namn vil du bruke?
problem-totp-set-up = Koden stemmer ikkje. Sjekk at telefonen viser rett tid, vent på neste kode og prøv igjen.
passkey-set-up-title = Lag ein passnøkkel
passkey-set-up-how = Ein passnøkkel ligg på telefonen eller maskina di, og du låser han opp med finger, ansikt eller skjermlås. Ingen kan gjette han eller lure han frå deg.
passkey-set-up-go = Lag passnøkkel
passkey-name-default = Passnøkkel
passkey-name-hint = Frivillig. Til dømes «Telefonen min».

## How the citizen is reached
contact-title = Dine kontaktopplysingar
contact-why = Det offentlege bruker dette når dei må nå deg, til dømes med eit vedtak. Stemmer det?
contact-none = Ikkje registrert
contact-mobile-title = Mobilnummeret ditt
contact-email-title = E-postadressa di
contact-send-code = Send kode
mobile-label = Mobilnummer
mobile-hint = Vi sender ein kode dit. Er nummeret utanlandsk, byrjar du med + og landkoden.
email-label = E-post
email-hint = Vi sender ein kode dit.
problem-mobile = Dette er ikkje eit mobilnummer vi kan sende SMS til. Sjekk at du har tasta rett.
problem-email = Dette er ikkje ei e-postadresse. Ho skal sjå ut som dette: kari@eksempel.no
proof-title = Skriv inn koden
proof-sent-sms = Vi har sendt ein kode på SMS til { $to }.
proof-sent-email = Vi har sendt ein kode på e-post til { $to }.
problem-proof-used-up = Koden vart skriven feil tre gonger. Be om ein ny kode.

# The SMS itself
sms-code = MinID: Eingongskoden din er { $code }. Del han ikkje med nokon.
sms-recovery-code = MinID: Koden for nytt passord er { $code }. Del han ikkje med nokon. Har du ikkje bede om han? Då treng du ikkje gjere noko.
mail-recovery-subject = Kode for nytt passord til MinID
mail-recovery-code = Koden for nytt passord til MinID er { $code }. Del han ikkje med nokon. Har du ikkje bede om han? Då kan du sjå bort frå denne e-posten.
sms-proof-code = MinID: Koden som stadfestar mobilnummeret ditt, er { $code }. Del han ikkje med nokon. Har du ikkje bede om han? Då treng du ikkje gjere noko.
mail-proof-subject = MinID: Kode for å stadfeste e-postadressa di
mail-proof-code = Koden som stadfestar e-postadressa di, er { $code }. Del han ikkje med nokon. Har du ikkje bede om han? Då treng du ikkje gjere noko.
tell-subject = Melding om MinID-en din
tell-password-changed = MinID: Passordet ditt er endra.
tell-mobile-changed = MinID: Mobilnummeret ditt er endra.
tell-email-changed = MinID: E-postadressa di er endra.
tell-factor-added = MinID: Ein ny innloggingsmetode er lagd til: { $what }.
tell-factor-removed = MinID: Ein innloggingsmetode er fjerna: { $what }.
tell-blocked = MinID-en din er sperra.
tell-reopened = MinID-en din er opna att.
tell-app-quiet = MinID-appen din fekk tre innloggingar som vart avslåtte. Vi lèt han vere i fred i eit kvarter.
tell-not-me = MinID: I appen er det svart at ei innlogging ikkje var di. Appen er sett på pause, og du må velje nytt passord neste gong du loggar inn.
tell-recovery-code-used = MinID: Ein gjenopprettingskode er brukt til å logge inn.
tell-closed = MinID-en din er avslutta.
tell-reset = MinID: Passordet og alle innloggingsmetodane dine er fjerna.
tell-signed-out = MinID: Du er logga ut alle stader.
tell-number-changed = MinID: Fødselsnummeret ditt er endra.
tell-school-code = MinID: Ein tilsett på ein skule har gitt deg ein aktiveringskode.
tell-by-support = Brukarstøtte har gjort det. Har du ikkje bede om det? Ring 800 30 300.
tell-not-you = Var det ikkje deg? Ring 800 30 300.
