package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunEvent;
import io.fulmar.harness.CrmLog;
import io.fulmar.harness.OtherProcess;
import io.fulmar.harness.Toll;
import io.fulmar.lightning.internal.state.CrashPoint;
import io.fulmar.lightning.internal.state.CrashPoint.Watch;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fixture.EngineUnderTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A {@link Life} ends at each {@link CrashPoint} by {@code kill -9}, in a JVM of its own. Nobody
 * cleans up; another process goes on. In the end the destination holds what the source holds,
 * nothing was remembered as accepted that had not been, only what was in flight has come twice,
 * under the same id, and no table is left that nobody needs.
 */
@DisplayName("crashes of the engine that compares in PostgreSQL")
class CrashSweepTest {
  private static final List<String> LIGHT =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m");
  private static final long SEED = Long.getLong("fulmar.seed", System.nanoTime());
  private static final Random RANDOM = new Random(SEED);

  /** How many points are tried by default. */
  private static final int SAMPLE = Integer.getInteger("fulmar.deaths", 4);

  /** Points of a life without tables of its own: {@link ExactlyOnceTest}, {@link MoveCrashTest}. */
  private static final Set<CrashPoint> ELSEWHERE =
      EnumSet.of(
          CrashPoint.JOINED_WRITTEN,
          CrashPoint.JOINED,
          CrashPoint.MOVE_WRITTEN,
          CrashPoint.MOVE_ANNOUNCED,
          CrashPoint.MOVED_IN,
          CrashPoint.MOVE_ENDED);

  private static final List<CrashPoint> POINTS =
      List.copyOf(EnumSet.complementOf(EnumSet.copyOf(ELSEWHERE)));

  /** How often each point is passed in a life without a death. */
  private static final Map<CrashPoint, Integer> PASSES = new EnumMap<>(CrashPoint.class);

  private static TestPostgres postgres;

  @TempDir static Path temporary;

  private static int homes;

  /**
   * Where processes live, one after the other.
   *
   * @param database their source and their memory
   * @param log what they have told the world
   */
  private record Home(TestDatabase database, Path log) {
    static Home fresh() throws SQLException {
      TestDatabase database = postgres.createDatabase();
      database.execute("create table item (id int8 primary key, v text not null)");
      EngineUnderTest.LIGHTNING.prepare(database);
      return new Home(database, temporary.resolve("log-" + ++homes));
    }

    /** The same once more. */
    Home copy() throws IOException, SQLException {
      String name = "home_" + ++homes;
      TestDatabase copy = new TestDatabase(database.host(), database.port(), name, database.user());
      TestDatabase maintenance =
          new TestDatabase(database.host(), database.port(), "postgres", database.user());
      maintenance.execute("create database " + name + " template \"" + database.name() + "\"");
      Path to = temporary.resolve("log-" + homes);
      Files.copy(log, to);
      return new Home(copy, to);
    }

    Life life(Watch watch) throws IOException {
      return new Life(database, log, watch);
    }

    /** All tables besides those that syncs share, if there are any but those that a sync needs. */
    String needless() throws SQLException {
      try (Connection connection = database.connect();
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  """
                  select string_agg(relname, ' ' order by relname) from pg_class
                  where relnamespace = 'fulmar_planner'::regnamespace and relkind = 'r'
                    and relname not like 'fulmar\\_%'
                  """)) {
        row.next();
        String tables = String.valueOf(row.getString(1));
        return tables.matches("s\\d+_holds s\\d+_ledger s\\d+_state_[01]") ? "" : tables;
      }
    }

    void remove() throws IOException, SQLException {
      database.drop();
      Files.deleteIfExists(log);
    }
  }

  @BeforeAll
  static void liveWithoutDeath() throws Exception {
    System.out.println("lightning.CrashSweepTest: seed " + SEED);
    postgres = TestPostgres.start();
    Home home = Home.fresh();
    try (Life life = home.life(counting(PASSES))) {
      life.live();
    }
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    goOn(home, 0, "nobody has died", toll);
    toll.assertNothingIsLost();
    assertThat(toll.repeats()).isZero();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  private static Watch counting(Map<CrashPoint, Integer> passes) {
    return point -> {
      synchronized (passes) {
        passes.merge(point, 1, Integer::sum);
      }
    };
  }

  /**
   * Lets a process go on over what the dead have left, and holds it against what they have done.
   */
  private static void goOn(Home home, int deaths, String about, Toll toll) throws Exception {
    CrmLog before = CrmLog.of(home.log());
    List<Long> wrong = new ArrayList<>();
    List<Long> lost;
    List<RunEvent.Recovered> recovered;
    try (Life life = home.life(Watch.NONE)) {
      life.goOn(() -> wrong.addAll(life.wronglyAcknowledged()));
      lost = life.differing();
      recovered = life.recovered();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("after " + about, e);
    }
    toll.take(
        deaths,
        about,
        before,
        CrmLog.of(home.log()),
        new Toll.Found(lost, wrong, recovered, home.needless()));
  }

  // ------------------------------------------------------------------------------------- the list

  @Test
  @DisplayName("what is remembered as accepted and is not there would be seen")
  void missingRowIsSeen() throws Exception {
    Home home = Home.fresh();
    try (Life life = home.life(Watch.NONE)) {
      life.live();
      assertThat(life.differing()).isEmpty();
      assertThat(life.wronglyAcknowledged()).isEmpty();
      life.vanish(3);
      assertThat(life.differing()).containsExactly(3L);
      assertThat(life.wronglyAcknowledged()).containsExactly(3L);
    }
  }

  @Test
  @DisplayName("the life that is swept comes past every point")
  void everyPointIsPassed() {
    assertThat(PASSES.keySet()).containsExactlyInAnyOrderElementsOf(POINTS);
  }

  // ------------------------------------------------------------------------------------ one death

  @Test
  @DisplayName("P1, P2, P4, A-05: kill -9 at some points, at some pass of each")
  void killedAtSomePoints() throws Exception {
    List<CrashPoint> points = new ArrayList<>(POINTS);
    Collections.shuffle(points, RANDOM);
    // What moves the state forward is always among them.
    points.removeAll(List.of(CrashPoint.FOLD_WRITTEN, CrashPoint.ANSWERED));
    points.addAll(0, List.of(CrashPoint.FOLD_WRITTEN, CrashPoint.ANSWERED));
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    for (CrashPoint point : points.subList(0, SAMPLE)) {
      kill(point, RANDOM.nextBoolean() ? 1 : later(point), toll);
    }
    System.out.println("lightning.CrashSweepTest: " + toll);
    toll.assertNothingIsLost();
  }

  @ParameterizedTest(name = "{0}")
  @EnumSource(mode = EnumSource.Mode.MATCH_NONE, names = "(JOINED|MOVE).*")
  @Tag("soak")
  @DisplayName("P1, P2, P4, A-05: kill -9 at a point, the first time and a later one")
  void killedEarlyAndLate(CrashPoint point) throws Exception {
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    kill(point, 1, toll);
    kill(point, later(point), toll);
    toll.assertNothingIsLost();
  }

  private static void kill(CrashPoint point, int time, Toll toll) throws Exception {
    Home home = Home.fresh();
    String about = about(point, time);
    boolean killed = isKilled(home, Life.Part.LIVE, point, time, about);
    assertThat(killed || time > 1).as(about).isTrue();
    goOn(home, killed ? 1 : 0, about, toll);
    home.remove();
  }

  /** A later pass; a few points are passed more or less often, as lanes and the clock have it. */
  private static int later(CrashPoint point) {
    int passes = PASSES.getOrDefault(point, 0);
    return passes < 3 ? 1 : 2 + RANDOM.nextInt(passes * 3 / 4);
  }

  private static String about(CrashPoint point, int time) {
    return "%s, time %d, -Dfulmar.seed=%d".formatted(point, time, SEED);
  }

  /** Whether a process that lives is killed at a point, or does not come to it. */
  private static boolean isKilled(
      Home home, Life.Part part, CrashPoint point, int time, String about) throws Exception {
    String[] arguments =
        Life.arguments(home.database(), home.log(), part, point, time).toArray(String[]::new);
    return Toll.isKilled(
        OtherProcess.start(Life.class, LIGHT, arguments), Life.HAS_NOT_DIED, about);
  }

  // ----------------------------------------------------------------------------------- two deaths

  /** The points that a process passes when it goes on. */
  private static Map<CrashPoint, Integer> pointsOnTheWayOn(Home home) throws Exception {
    Map<CrashPoint, Integer> passes = new EnumMap<>(CrashPoint.class);
    Home copy = home.copy();
    try (Life life = copy.life(counting(passes))) {
      life.goOn(() -> {});
    }
    copy.remove();
    return passes;
  }

  /** Pairs of deaths, each first one followed by so many second ones. */
  private static Toll pairs(List<CrashPoint> firsts, int secondDeaths) throws Exception {
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    for (CrashPoint first : firsts) {
      int time = RANDOM.nextBoolean() ? 1 : later(first);
      Home dead = Home.fresh();
      int deaths = isKilled(dead, Life.Part.LIVE, first, time, about(first, time)) ? 1 : 0;
      Map<CrashPoint, Integer> points = pointsOnTheWayOn(dead);
      List<CrashPoint> seconds = new ArrayList<>(points.keySet());
      Collections.shuffle(seconds, RANDOM);
      for (CrashPoint second : seconds.subList(0, Math.min(secondDeaths, seconds.size()))) {
        int again = 1 + RANDOM.nextInt(points.getOrDefault(second, 1));
        Home twice = dead.copy();
        String about = about(first, time) + " and " + about(second, again);
        boolean died = isKilled(twice, Life.Part.GO_ON, second, again, about);
        goOn(twice, deaths + (died ? 1 : 0), about, toll);
        twice.remove();
      }
      dead.remove();
    }
    return toll;
  }

  @Test
  @DisplayName("P1, P2, P4, A-06: a process dies, and the one that goes on dies too")
  void twoDeaths() throws Exception {
    List<CrashPoint> points = new ArrayList<>(POINTS);
    Collections.shuffle(points, RANDOM);
    Toll toll = pairs(points.subList(0, 2), 1);
    System.out.println("lightning.CrashSweepTest, twice: " + toll);
    toll.assertNothingIsLost();
  }

  @Test
  @Tag("soak")
  @DisplayName("P1, P2, P4, A-06: kill -9, and kill -9 of the process that goes on, at each point")
  void twoDeathsOfProcesses() throws Exception {
    Toll toll = pairs(POINTS, POINTS.size());
    System.out.println("lightning.CrashSweepTest, all pairs: " + toll);
    assertThat(toll.deaths())
        .as("deaths in %d lives", toll.lives())
        .isGreaterThan(toll.lives() * 9 / 5);
    toll.assertNothingIsLost();
  }
}
