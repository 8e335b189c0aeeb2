## Another number, as the population register tells

tell-number-told = MinID: The National Population Register says that you have a new identity number. Use it when you log in.
tell-register-wrong = Is that wrong? Call 800 30 300.
