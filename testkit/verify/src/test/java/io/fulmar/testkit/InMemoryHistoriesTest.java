package io.fulmar.testkit;

import io.fulmar.Model;
import io.fulmar.harness.History;
import io.fulmar.harness.RunnerSubject;
import io.fulmar.harness.SourceRow;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.SyncStore;
import io.fulmar.testkit.internal.memory.MemorySnapshots;
import io.fulmar.testkit.internal.memory.OwnDirectory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The store of an {@link InMemoryEngine} in the random histories that the engines over PostgreSQL
 * go through: what is sent and remembered is held against section 5a after each step.
 */
@DisplayName("P1, P2, P3, P8, P12: random histories over rows in memory")
class InMemoryHistoriesTest {
  @Test
  void destinationEqualsTheSourceInTheEnd() {
    History.playAll(1, Integer.getInteger("fulmar.histories", 25), seed -> new MemorySubject());
  }

  @Test
  @Tag("soak")
  void destinationEqualsTheSourceInTheEndOfManyHistories() {
    long first = Math.floorMod(System.nanoTime(), 1_000_000L) * 1_000_000L;
    Map<String, Integer> seen =
        History.playAll(
            first, Integer.getInteger("fulmar.histories", 2_000), seed -> new MemorySubject());
    System.out.println("histories in memory from " + first + ": " + seen);
  }

  /** The runner over the store of an {@link InMemoryEngine}. */
  private static final class MemorySubject extends RunnerSubject {
    private final InMemorySource source = InMemorySource.create();
    private final InMemorySource.Rows items =
        source.model("items").column("k", "text").column("v", "text").column("one", "integer");
    private final OwnDirectory state = OwnDirectory.make();

    @Override
    public Model model(int mapping) {
      Model.Table table = Model.table("items", "public", "item");
      return (mapping == 0 ? table.columns("k", "v") : table.columns("k", "v", "one")).key("k");
    }

    @Override
    public void source(List<SourceRow> rows) {
      List<List<@Nullable Object>> all = new ArrayList<>();
      rows.forEach(row -> all.add(Arrays.asList(row.key(), row.content(), 1)));
      items.replaceAll(all);
    }

    @Override
    protected SyncStore open() {
      return new StandardStore(
          new MemorySnapshots(source.database(), clock()),
          state.path(),
          StandardStore.MissingState.BEGIN,
          1 << 20,
          clock());
    }

    @Override
    protected void died(@Nullable Claim left) {
      if (left != null) {
        left.close();
      }
    }

    @Override
    public void close() {
      super.close();
      state.close();
    }
  }
}
