package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.AlreadyRunningException;
import io.fulmar.ConfigurationException;
import io.fulmar.Model;
import io.fulmar.SourceException;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.internal.standard.StandardStore;
import io.fulmar.internal.store.Claim;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.verify.fixture.Queries;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Moves that are refused leave both engines as they were. */
@DisplayName("P1, P4, P10: moves from the standard engine to Lightning that are refused")
class MoveRefusedTest extends MoveFixture {
  private void refused(Sync sync, Path from, Class<?> type, String message) {
    assertThatThrownBy(() -> move(sync, from)).isInstanceOf(type).hasMessageMatching(message);
  }

  @Test
  void directoryWithoutStateIsRefused() {
    refused(
        items().build(),
        state,
        StateException.class,
        "Cannot move the state of crm: there is none in .*\\. Name the directory that the standard engine was given; or just run the sync, if it never ran\\. \\[sync=crm]");
  }

  @Test
  void syncWithAStateHereIsRefusedAndGoesOnOnBothSides() throws Exception {
    Sync sync = items().build();
    onStandard(sync);
    onLightning(sync);

    refused(
        sync,
        state,
        StateException.class,
        "Cannot move crm: it has a state in the schema fulmar_planner already\\. Run it there; or forget it there first, and move it then\\. \\[sync=crm]");

    assertThat(onStandard(sync).total().planned()).isZero();
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  void otherDestinationIsRefused() {
    onStandard(items().build());
    Sync other = items().to(RecordingDestination.of("test:other")).build();

    refused(
        other,
        state,
        StateException.class,
        "(?s)Cannot run crm: its state says what test:recording has accepted, and the destination now is test:other.*");

    assertThat(onStandard(items().build()).total().planned()).isZero();
  }

  @Test
  void otherKeyIsRefusedAndLeavesNothingHere() throws Exception {
    onStandard(items().build());
    Sync other = items().model(Model.query("rows", "select * from item").key("name")).build();

    refused(
        other,
        state,
        ConfigurationException.class,
        "Cannot run crm: its key was \\(id integer\\) and now is \\(name text\\).*");

    assertThat(query("select count(*) from fulmar_planner.fulmar_syncs")).isEqualTo("0");
    assertThat(onStandard(items().build()).total().planned()).isZero();
  }

  @Test
  void keyThatIsTooLongForAnIndexIsRefused() throws Exception {
    database.execute("insert into item values (21, repeat('x', 3000), 1)");
    Sync sync = sync("select name, price from item", "name").build();
    onStandard(sync);

    refused(
        sync,
        state,
        StateException.class,
        "Cannot take over what is remembered: a key has 3000 bytes, and keys of more than 2000 have no place here\\..*");

    assertThat(onStandard(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("P4: a model that cannot be read is refused, and the sync is free at once")
  void modelThatCannotBeReadIsRefused() throws Exception {
    Sync sync = sync("select id, 100 / id as part from item", "id").build();
    onStandard(sync);
    database.execute("insert into item values (0, 'zero', 0)");

    refused(
        sync,
        state,
        SourceException.class,
        "(?s)Cannot read the model rows: .*\\[sync=crm .*sqlstate=22012]");

    database.execute("delete from item where id = 0");
    move(sync);
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("C-11: a table that is emptied and filled again during a move is not moved as empty")
  void tableThatIsEmptiedDuringTheMoveIsRefused() throws Exception {
    Sync sync = items().build();
    onStandard(sync);
    FutureTask<Sync> move =
        new FutureTask<>(
            () -> {
              move(sync);
              return sync;
            });
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("create temporary table kept as select * from item");
      statement.execute("truncate item");
      statement.execute("insert into item select * from kept");
      new Thread(move, "mover").start();
      awaitQuery(Queries.WAITING_FOR_LOCK, "1");
      connection.commit();
    }
    assertThatThrownBy(() -> move.get(60, TimeUnit.SECONDS))
        .cause()
        .isInstanceOf(SourceException.class)
        .hasMessageMatching(
            "Cannot read the model rows: something that it reads was emptied, .*sqlstate=40001]");

    assertThat(onStandard(sync).total().planned()).isZero();
    move(sync);
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("P4: what the standard engine is running is not moved")
  void runningSyncIsRefused() {
    Sync sync = items().build();
    onStandard(sync);
    try (StandardStore store =
            new StandardStore(source(), state, StandardStore.MissingState.BEGIN, 1 << 20, clock);
        Claim claim = store.claim(sync)) {
      assertThat(claim.run()).isPositive();
      refused(
          sync,
          state,
          AlreadyRunningException.class,
          "Cannot run crm: another run holds .*\\. Wait for it to end\\. \\[sync=crm]");
    }
    move(sync);
    assertThat(onLightning(sync).total().planned()).isZero();
  }

  @Test
  @DisplayName("P10: a role that may not write to the schema moves nothing, and nothing changes")
  void failingMoveChangesNothing() throws Exception {
    Sync sync = items().build();
    onStandard(sync);
    database.execute("drop schema fulmar_planner cascade");

    assertThatThrownBy(() -> move(sync)).isInstanceOf(StateException.class);

    assertThat(onStandard(sync).total().planned()).isZero();
    database.execute("drop schema fulmar_audit cascade");
    database.execute(LightningSetup.of(database.user()).setupSql());
    move(sync);
    assertThat(onLightning(sync).total().planned()).isZero();
  }
}
