package io.fulmar.testkit.harness;

import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Destination;

/** Stands in front of a destination, and says of itself what that one says. */
abstract class ForwardingDestination implements Destination {
  final Destination destination;

  ForwardingDestination(Destination destination) {
    this.destination = destination;
  }

  @Override
  public final String type() {
    return destination.type();
  }

  @Override
  public final String identity() {
    return destination.identity();
  }

  @Override
  public final Capabilities capabilities() {
    return destination.capabilities();
  }

  @Override
  public final void check(CheckContext sync, CheckSteps steps) throws Exception {
    destination.check(sync, steps);
  }
}
