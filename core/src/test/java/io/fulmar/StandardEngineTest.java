package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings of the standard engine, without a server: there is none at port 1. */
class StandardEngineTest {
  private static final Source NOWHERE =
      Source.builder()
          .host("127.0.0.1")
          .port(1)
          .database("shop")
          .user("fulmar")
          .connectTimeout(Duration.ofMillis(100))
          .withoutTls()
          .build();

  @TempDir Path root;

  private StandardEngine.Builder builder() {
    return StandardEngine.builder(NOWHERE, root);
  }

  @Test
  @SuppressWarnings("NullAway")
  void badSettingsAreRefusedAtOnce() {
    assertThatThrownBy(() -> builder().threads(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("threads");
    assertThatThrownBy(() -> builder().context(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("context");
    assertThatThrownBy(() -> builder().grace(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("grace");
    assertThatThrownBy(() -> builder().grace(Duration.ofMinutes(61)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("grace");
  }

  @Test
  void runsAreOnThreadsOfTheApplicationAndInItsContext() {
    List<Thread> made = Collections.synchronizedList(new ArrayList<>());
    List<String> wrappedOn = Collections.synchronizedList(new ArrayList<>());
    try (SyncEngine engine =
        builder()
            .threads(
                task -> {
                  Thread thread = new Thread(task);
                  made.add(thread);
                  return thread;
                })
            .context(
                task -> {
                  wrappedOn.add(Thread.currentThread().getName());
                  return task;
                })
            .grace(Duration.ofSeconds(3))
            .build()) {
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("customers", "select 1 as id").key("id"))
              .to(Destination.of("test", batch -> Delivery.allAccepted()))
              .build();
      assertThatThrownBy(() -> engine.run(sync).throwIfFailed())
          .isInstanceOf(SourceException.class);
    }
    assertThat(made)
        .extracting(Thread::getName)
        .containsExactly("fulmar-crm-run", "fulmar-crm-deadline");
    assertThat(wrappedOn).containsExactly(Thread.currentThread().getName());
  }
}
