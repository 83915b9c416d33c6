package io.fulmar.verify.contract;

import io.fulmar.Action;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.contract.DestinationContract;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The contract over a destination that can do little, with the hooks that must be there alone. */
class LimitedContract extends DestinationContract {
  private final MemoryTarget target = new MemoryTarget();

  @Override
  protected Destination destination() {
    return new MemoryDestination(
        target,
        Capabilities.builder()
            .actions(Action.UPSERT)
            .maxRows(1)
            .maxBytes(1L << 40)
            .concurrency(1)
            .build(),
        Flaw.NONE);
  }

  @Override
  protected Map<Long, Map<String, @Nullable String>> records() {
    return target.copy();
  }

  @Override
  protected @Nullable String refusedText() {
    return null;
  }

  @Override
  protected @Nullable AutoCloseable outOfReach() {
    return null;
  }
}
