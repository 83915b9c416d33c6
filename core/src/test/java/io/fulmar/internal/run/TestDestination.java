package io.fulmar.internal.run;

import io.fulmar.Action;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Destination;
import java.util.EnumSet;

/** A destination called {@code test}, of which a test says how it is opened. */
abstract class TestDestination implements Destination {
  private final Capabilities capabilities;

  /** Takes every action, on one lane. */
  TestDestination() {
    this(all());
  }

  TestDestination(Capabilities.Builder capabilities) {
    this.capabilities = capabilities.build();
  }

  /** Every action; a test may add to it. */
  static Capabilities.Builder all() {
    return Capabilities.builder().actions(EnumSet.allOf(Action.class));
  }

  @Override
  public final String type() {
    return "test";
  }

  @Override
  public final String identity() {
    return "test";
  }

  @Override
  public final Capabilities capabilities() {
    return capabilities;
  }
}
