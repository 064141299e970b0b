import millrace


def halve(reading, context):
    return {"station": reading["station"], "at": reading["at"], "half": reading["megawatts"] / 2}


millrace.run(halve)
