package io.fulmar.verify.contract;

import io.fulmar.Action;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.contract.DestinationContract;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/**
 * The contract over a {@link MemoryDestination}, for {@link DestinationContractTest} to run: its
 * name keeps it from being run by itself.
 */
class MemoryContract extends DestinationContract {
  /** What is wrong with the destination. */
  static volatile Flaw flaw = Flaw.NONE;

  final MemoryTarget target = new MemoryTarget();

  @AfterEach
  void end() {
    target.end.countDown();
  }

  @Override
  protected Destination destination() {
    return new MemoryDestination(
        target,
        Capabilities.builder()
            .actions(Action.values())
            .maxRows(100)
            .maxBytes(1 << 20)
            .canClear()
            .build(),
        flaw);
  }

  @Override
  protected Map<Long, Map<String, @Nullable String>> records() {
    return target.copy();
  }

  @Override
  protected @Nullable String refusedText() {
    return "refused " + CANARY;
  }

  @Override
  protected @Nullable AutoCloseable outOfReach() {
    return target.away();
  }

  @Override
  protected @Nullable AutoCloseable silent() {
    return target.silent();
  }

  @Override
  protected boolean keepsSequence() {
    return true;
  }

  @Override
  protected List<String> secrets() {
    return List.of(MemoryDestination.SECRET);
  }

  @Override
  protected Duration callDeadline() {
    return Duration.ofMillis(500); // so long does the rule about silence take
  }
}
