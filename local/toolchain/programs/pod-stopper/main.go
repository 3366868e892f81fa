// Stops and removes every pod of a container runtime: all containers at once,
// each by its image's stop signal and with the grace period to end by itself,
// then the sandboxes, which gives back their addresses and network devices.
// It is for a node whose kubelet has ended; the pods stay in the API, and the
// next kubelet starts them again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	remote "k8s.io/cri-client/pkg"
)

// How long a call to the runtime may take beyond the grace period.
const callTimeout = 30 * time.Second

// inParallel calls do for each item and joins the errors.
func inParallel[T any](items []T, do func(T) error) error {
	failed := make([]error, len(items))
	var group sync.WaitGroup
	for i, item := range items {
		group.Go(func() { failed[i] = do(item) })
	}
	group.Wait()
	return errors.Join(failed...)
}

func run(endpoint string, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace+callTimeout)
	defer cancel()
	runtime, err := remote.NewRemoteRuntimeService(endpoint, grace+callTimeout, nil, nil)
	if err != nil {
		return err
	}
	running := &runtimeapi.ContainerFilter{State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING}}
	containers, err := runtime.ListContainers(ctx, running)
	if err != nil {
		return err
	}
	stopped := inParallel(containers, func(c *runtimeapi.Container) error {
		return runtime.StopContainer(ctx, c.Id, int64(grace.Seconds()))
	})
	sandboxes, err := runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		return errors.Join(stopped, err)
	}
	removed := inParallel(sandboxes, func(s *runtimeapi.PodSandbox) error {
		return errors.Join(runtime.StopPodSandbox(ctx, s.Id), runtime.RemovePodSandbox(ctx, s.Id))
	})
	return errors.Join(stopped, removed)
}

func main() {
	endpoint := flag.String("endpoint", "", "address of the container runtime, unix:///path")
	grace := flag.Duration("grace", 10*time.Second, "time that containers get to end by themselves")
	flag.Parse()
	if err := run(*endpoint, *grace); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
