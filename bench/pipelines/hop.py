import os

import millrace


def halve(reading, context):
    return {"station": reading["station"], "at": reading["at"], "half": reading["megawatts"] / 2}


if "MILLRACE_URL" in os.environ:
    millrace.attach(halve)
else:
    millrace.run(halve)
