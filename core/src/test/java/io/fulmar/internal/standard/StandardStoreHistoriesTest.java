package io.fulmar.internal.standard;

import io.fulmar.Model;
import io.fulmar.harness.History;
import io.fulmar.harness.RunnerSubject;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The standard store in the random histories of the runner, over a source in memory: every file of
 * a state is real. Histories with an even seed plan with a filter, the others without.
 */
@DisplayName("P1, P2, P3, P8, P12: random histories of the standard store")
class StandardStoreHistoriesTest {
  @TempDir(factory = InMemory.class)
  static Path states;

  @Test
  void destinationEqualsTheSourceInTheEnd() {
    History.playAll(1, Integer.getInteger("fulmar.histories", 15), StoreSubject::new);
  }

  @Test
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories() {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        History.playAll(first, Integer.getInteger("fulmar.histories", 2_000), StoreSubject::new);
    System.out.println("histories from " + first + ": " + seen);
  }

  /** The engine over a {@link StandardStore}. */
  private static final class StoreSubject extends RunnerSubject {
    private final MemoryItems items = new MemoryItems();
    private final long diffBytes;
    private final Path state;

    StoreSubject(long seed) {
      state = states.resolve(Long.toString(seed));
      diffBytes = seed % 2 == 0 ? 1 << 20 : 0;
    }

    @Override
    protected SyncStore open() {
      return new StandardStore(items, state, StandardStore.MissingState.BEGIN, diffBytes, clock());
    }

    @Override
    protected void died(@Nullable Claim left) {
      if (left != null) {
        left.close();
      }
    }

    @Override
    public Model model(int mapping) {
      return MemoryItems.model(mapping);
    }

    @Override
    public void source(List<SourceRow> rows) {
      items.rows(rows);
    }

    @Override
    public void close() {
      super.close();
      try (Stream<Path> all = Files.walk(state)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }
}
