// Runs at every start, after the configuration is applied: a Jenkins that would not
// refuse forged requests, or would run builds as itself, does not come up at all.
import jenkins.model.Jenkins
import jenkins.security.QueueItemAuthenticatorConfiguration

def jenkins = Jenkins.get()
def problems = []
if (jenkins.crumbIssuer == null) {
    problems << 'requests are not protected against forgery: no crumb issuer'
}
if (!jenkins.useSecurity) {
    problems << 'security is off'
}
if (jenkins.numExecutors != 0) {
    problems << 'the controller would run builds: numExecutors is ' + jenkins.numExecutors
}
if (QueueItemAuthenticatorConfiguration.get().authenticators.isEmpty()) {
    problems << 'builds would run as SYSTEM: no queue item authenticator'
}
if (problems) {
    System.err.println('Jenkins refuses to start: ' + problems.join('; '))
    System.exit(1)
}
