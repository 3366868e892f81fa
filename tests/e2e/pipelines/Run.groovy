/*
 * Runs a declarative Jenkinsfile without Jenkins: the same file, parsed by the same language, its steps executed
 * in order by a shell in a workspace.
 *
 *   java -cp groovy.jar groovy.ui.GroovyMain Run.groovy JENKINSFILE WORKSPACE LOG [NAME=VALUE ...]
 *
 * NAME=VALUE is the environment that Jenkins would set; `params.X` is what `X` is there, and CREDENTIALS_id_PSW a
 * secret by its id. Each step is appended to LOG as one line of JSON. A directive or step that is not known here is
 * an error, so a Jenkinsfile cannot use one untested. Exit code 1: a step failed.
 */
import groovy.json.JsonOutput
import org.codehaus.groovy.control.CompilerConfiguration

class StepFailed extends RuntimeException {
    StepFailed(String message) { super(message) }
}

class Jenkins {
    File workspace
    File log
    Map<String, String> env = [:]
    /** What the Jenkinsfile has set itself, which outlives the block that did. */
    Map<String, String> assigned = [:]
    boolean failed = false

    void record(Map entry) { log << JsonOutput.toJson(entry) + '\n' }

    int shell(String command, Map<String, String> environment) {
        def builder = new ProcessBuilder('bash', '-ec', command).directory(workspace).inheritIO()
        builder.environment().putAll(environment)
        builder.start().waitFor()
    }
}

/** What steps may be used in `steps` and `post`, and in functions of the Jenkinsfile. */
abstract class Steps extends Script {
    Jenkins jenkins() { binding.getVariable('jenkins') }

    def sh(String command) {
        jenkins().record(step: 'sh', command: command, stage: jenkins().env.STAGE_NAME)
        if (jenkins().shell(command, jenkins().env) != 0) throw new StepFailed(command)
    }

    int sh(Map arguments) {
        assert arguments.returnStatus
        jenkins().shell(arguments.script.toString(), jenkins().env)
    }

    def script(Closure body) { Block.read(body, this) }

    def input(Map arguments) { jenkins().record(step: 'input', message: arguments.message) }

    def junit(Map arguments) { jenkins().record(step: 'junit', files: arguments.testResults) }

    def archiveArtifacts(Map arguments) { jenkins().record(step: 'archive', files: arguments.artifacts) }

    def mail(Map arguments) { jenkins().record(step: 'mail', subject: "$arguments.subject", body: "$arguments.body") }

    def pipeline(Closure body) { new Block(this, jenkins(), 'pipeline').run(body) }
}

/** `pipeline` or `stage`: first everything is read, then it is carried out. */
class Block {
    Script script
    Jenkins jenkins
    String name
    boolean wanted = true
    boolean agent = false
    List<List> stages = []
    Closure environment, steps
    Map<String, Closure> post = [:]

    Block(Script script, Jenkins jenkins, String name) {
        this.script = script
        this.jenkins = jenkins
        this.name = name
    }

    void run(Closure body) {
        read(body, this)
        if (!wanted) return
        def before = new LinkedHashMap(jenkins.env)
        jenkins.env.STAGE_NAME = name
        try {
            if (environment) read(environment, new Variables(jenkins))
            if (steps) read(steps, script)
            for (one in stages) new Block(script, jenkins, one[0]).run(one[1])
        } catch (StepFailed error) {
            jenkins.failed = true
            throw error
        } finally {
            def conditions = ['always', jenkins.failed ? 'failure' : 'success']
            conditions.each { if (post[it]) read(post[it], script) }
            jenkins.env = before + jenkins.assigned
        }
    }

    static void read(Closure body, Object delegate) {
        body.delegate = delegate
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }

    def methodMissing(String directive, Object given) {
        def arguments = given as List
        switch (directive) {
            case 'agent': agent = true; return
            case 'options': return read(arguments[0], new Options())
            case 'environment': environment = arguments[0]; return
            case 'stages': return read(arguments[0], this)
            case 'stage': stages << [arguments[0], arguments[1]]; return
            case 'steps': steps = arguments[0]; return
            case 'when': wanted = new When(jenkins).holds(arguments[0]); return
            case 'post': return read(arguments[0], new Post(conditions: post))
        }
        throw new MissingMethodException(directive, Block, given as Object[])
    }

    def getAny() { 'any' }

    def getNone() { 'none' }
}

class Options {
    def disableConcurrentBuilds() {}

    def buildDiscarder(Object rule) {}

    def logRotator(Map rule) {}

    def timeout(Map limit) { assert limit.time > 0 && limit.unit in ['MINUTES', 'HOURS', 'DAYS'] }
}

class Post {
    Map<String, Closure> conditions

    def always(Closure body) { conditions.always = body }

    def failure(Closure body) { conditions.failure = body }

    def success(Closure body) { conditions.success = body }
}

class When {
    Jenkins jenkins
    boolean result = true

    When(Jenkins jenkins) { this.jenkins = jenkins }

    boolean holds(Closure body) {
        Block.read(body, this)
        result
    }

    def changeRequest() { result = result && jenkins.env.CHANGE_ID as boolean }

    def beforeAgent(boolean _) {}

    def expression(Closure body) { result = result && body() as boolean }
}

/** `NAME = 'value'` and `NAME = credentials('id')`. */
class Variables {
    private final Jenkins jenkins

    Variables(Jenkins jenkins) { this.@jenkins = jenkins }

    def credentials(String id) { new Credentials(id: id) }

    void setProperty(String name, Object value) {
        if (value instanceof Credentials) {
            def secret = System.getenv("CREDENTIALS_${value.id}_PSW")
            if (secret == null) throw new StepFailed("credentials '$value.id' are not known")
            jenkins.env["${name}_PSW".toString()] = secret
            jenkins.env["${name}_USR".toString()] = value.id
        } else {
            jenkins.env[name] = value.toString()
        }
    }
}

class Credentials {
    String id
}

/** `env`: always the environment of the block that runs now. */
class Environment {
    Jenkins jenkins

    Environment(Jenkins jenkins) { this.@jenkins = jenkins }

    def getProperty(String name) { this.@jenkins.env[name] }

    void setProperty(String name, Object value) {
        this.@jenkins.assigned[name] = value.toString()
        this.@jenkins.env[name] = value.toString()
    }
}

def (jenkinsfile, workspace, log) = args.take(3)
def jenkins = new Jenkins(workspace: new File(workspace), log: new File(log))
jenkins.env.PATH = System.getenv('PATH')
args.drop(3).each { def (name, value) = it.split('=', 2); jenkins.env[name] = value }

def configuration = new CompilerConfiguration(scriptBaseClass: Steps.name)
def known = new Binding(jenkins: jenkins, params: jenkins.env.subMap(['PIPELINE']), env: new Environment(jenkins))
try {
    new GroovyShell(this.class.classLoader, known, configuration).evaluate(new File(jenkinsfile))
} catch (StepFailed error) {
    System.err.println("failed: $error.message")
    System.exit(1)
}
