// Every branch and pull request, by the Jenkinsfile that it brings.
multibranchPipelineJob('inssa') {
    displayName('InssaService')
    branchSources {
        branchSource {
            source {
                github {
                    id('inssa')
                    repoOwner('@OWNER@')
                    repository('@REPOSITORY@')
                    repositoryUrl('https://github.com/@OWNER@/@REPOSITORY@')
                    configuredByUrl(true)
                    credentialsId('github')
                    traits {
                        gitHubBranchDiscovery {
                            strategyId(1)
                        }
                        gitHubPullRequestDiscovery {
                            strategyId(1)
                        }
                    }
                }
            }
        }
    }
    factory {
        workflowBranchProjectFactory {
            scriptPath('Jenkinsfile')
        }
    }
    triggers {
        periodicFolderTrigger {
            interval('5m')
        }
    }
    orphanedItemStrategy {
        discardOldItems {
            numToKeep(20)
        }
    }
}

// 3 in the morning: develop becomes the next release candidate on stage.
pipelineJob('inssa-nightly') {
    displayName('InssaService, nightly from develop')
    parameters {
        stringParam('PIPELINE', 'nightly', 'What the Jenkinsfile does')
    }
    properties {
        disableConcurrentBuilds()
        pipelineTriggers {
            triggers {
                cron {
                    spec('TZ=Asia/Seoul\n0 3 * * *')
                }
            }
        }
    }
    definition {
        cpsScm {
            scm {
                git {
                    remote {
                        url('https://github.com/@OWNER@/@REPOSITORY@.git')
                        credentials('github')
                    }
                    branch('develop')
                }
            }
            scriptPath('Jenkinsfile')
            lightweight(true)
        }
    }
}

// What reaches master is released.
pipelineJob('inssa-release') {
    displayName('InssaService, release from master')
    parameters {
        stringParam('PIPELINE', 'release', 'What the Jenkinsfile does')
    }
    properties {
        disableConcurrentBuilds()
        pipelineTriggers {
            triggers {
                scmTrigger {
                    scmpoll_spec('H/5 * * * *')
                }
            }
        }
    }
    definition {
        cpsScm {
            scm {
                git {
                    remote {
                        url('https://github.com/@OWNER@/@REPOSITORY@.git')
                        credentials('github')
                    }
                    branch('master')
                }
            }
            scriptPath('Jenkinsfile')
            lightweight(true)
        }
    }
}
