package io.fulmar.internal.standard;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunEvent;
import io.fulmar.Source;
import io.fulmar.harness.CrmLog;
import io.fulmar.harness.OtherProcess;
import io.fulmar.harness.Toll;
import io.fulmar.internal.standard.CrashPoint.Watch;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A {@link Life} ends at each {@link CrashPoint}: in a JVM of its own by {@code kill -9}, or in
 * this one over a disk on which the dead have no effect any more. Nobody cleans up; another process
 * goes on, sometimes over a source that has gone back. In the end the destination holds what the
 * source holds, nothing was remembered as accepted that had not been, and only what was in flight
 * has come twice, under the same id.
 */
class CrashSweepTest {
  private static final List<String> LIGHT =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx64m");
  private static final long SEED = Long.getLong("fulmar.seed", System.nanoTime());
  private static final Random RANDOM = new Random(SEED);

  /** At how many points a process is killed by default; at each one in the long runs. */
  private static final int SAMPLE = Integer.getInteger("fulmar.points", 8);

  /** How many second deaths follow each first one. */
  private static final int SECOND_DEATHS = Integer.getInteger("fulmar.deaths", 1);

  /** How often each point is passed in a life without a death. */
  private static final Map<CrashPoint, Integer> PASSES = new EnumMap<>(CrashPoint.class);

  @TempDir(factory = InMemory.class)
  static Path temporary;

  private static int homes;

  /** Where processes live, one after the other: their state and what they have told the world. */
  private record Home(Path path) {
    static Home fresh() throws IOException {
      return new Home(Files.createDirectory(temporary.resolve("home-" + ++homes)));
    }

    Path state() {
      return path.resolve("state");
    }

    Path log() {
      return path.resolve("log");
    }

    /** The same once more; a lock is not copied, as nobody holds it. */
    Home copy() throws IOException {
      Home copy = fresh();
      Files.copy(log(), copy.log());
      Path from = state().resolve("crm");
      Path to = Files.createDirectories(copy.state().resolve("crm"));
      if (Files.exists(from)) {
        try (Stream<Path> files = Files.list(from)) {
          for (Path file : files.toList()) {
            Files.copy(file, to.resolve(file.getFileName()));
          }
        }
      }
      return copy;
    }

    /** The names of all files, if there are any but those that a sync needs. */
    String needless() throws IOException {
      try (Stream<Path> files = Files.list(state().resolve("crm"))) {
        String names =
            files.map(file -> file.getFileName().toString()).sorted().collect(joining(" "));
        return names.matches("lock lock.jvm state-\\d+ sync") ? "" : names;
      }
    }

    Life life(Watch watch) throws IOException {
      return new Life(state(), log(), watch, () -> false);
    }

    void remove() throws IOException {
      try (Stream<Path> files = Files.walk(path)) {
        for (Path file : files.sorted(Collections.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  @BeforeAll
  static void liveWithoutDeath() throws Exception {
    System.out.println("CrashSweepTest: seed " + SEED);
    Home home = Home.fresh();
    try (Life life = home.life(counting(PASSES))) {
      life.live();
    }
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    goOn(home, 0, "nobody has died", toll);
    toll.assertNothingIsLost();
    assertThat(toll.repeats()).isZero();
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
  private static void goOn(Home home, int deaths, String about, Toll toll) throws IOException {
    CrmLog before = CrmLog.of(home.log());
    List<Long> wrong = new ArrayList<>();
    List<Long> lost;
    List<RunEvent.Recovered> recovered;
    try (Life life = home.life(Watch.NONE)) {
      if (deaths > 0 && RANDOM.nextBoolean()) {
        life.sourceGoesBack();
      }
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
    assertThat(PASSES).containsOnlyKeys(CrashPoint.values());
  }

  @Test
  @DisplayName("nobody listens in a store that is not told of a listener")
  void nobodyListensInProduction() throws Exception {
    assertThat(StandardStore.class.getDeclaredConstructors())
        .filteredOn(made -> Arrays.asList(made.getParameterTypes()).contains(Watch.class))
        .isNotEmpty()
        .allMatch(made -> !Modifier.isPublic(made.getModifiers()))
        .allMatch(made -> !Modifier.isProtected(made.getModifiers()));
    Source source = Source.builder().host("nowhere").database("shop").user("fulmar").build();
    try (StandardStore store =
        new StandardStore(
            source, temporary, StandardStore.MissingState.BEGIN, 0, Clock.systemUTC())) {
      assertThat(store).extracting("watch").isSameAs(Watch.NONE);
    }
  }

  // ------------------------------------------------------------------------------------ one death

  /** Some points, others in each run. */
  static List<CrashPoint> sample() {
    List<CrashPoint> points = new ArrayList<>(List.of(CrashPoint.values()));
    Collections.shuffle(points, RANDOM);
    return points.subList(0, Math.min(points.size(), SAMPLE));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("sample")
  @DisplayName("P1, P2, P4, A-05: kill -9 at a point, at some pass of it")
  void killed(CrashPoint point) throws Exception {
    kill(point, RANDOM.nextBoolean() ? new int[] {1} : new int[] {later(point)});
  }

  @ParameterizedTest(name = "{0}")
  @EnumSource
  @Tag("soak")
  @DisplayName("P1, P2, P4, A-05: kill -9 at a point, the first time and a later one")
  void killedEarlyAndLate(CrashPoint point) throws Exception {
    kill(point, new int[] {1, later(point)});
  }

  /** A later pass; a few points are passed more or less often, as lanes and the clock have it. */
  private static int later(CrashPoint point) {
    int passes = PASSES.getOrDefault(point, 0);
    return passes < 3 ? 1 : 2 + RANDOM.nextInt(passes * 3 / 4);
  }

  private static void kill(CrashPoint point, int[] times) throws Exception {
    List<Home> dead = new ArrayList<>();
    List<OtherProcess> processes = new ArrayList<>();
    for (int time : times) {
      Home home = Home.fresh();
      dead.add(home);
      processes.add(fork(home, Life.Part.LIVE, point, time));
    }
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    for (int i = 0; i < times.length; i++) {
      String about = about(point, times[i]);
      boolean killed = Toll.isKilled(processes.get(i), Life.HAS_NOT_DIED, about);
      assertThat(killed || times[i] > 1).as(about).isTrue();
      goOn(dead.get(i), killed ? 1 : 0, about, toll);
      dead.get(i).remove();
    }
    toll.assertNothingIsLost();
  }

  private static String about(CrashPoint point, int time) {
    return "%s, time %d, -Dfulmar.seed=%d".formatted(point, time, SEED);
  }

  private static OtherProcess fork(Home home, Life.Part part, CrashPoint point, int time)
      throws IOException {
    return OtherProcess.start(
        Life.class,
        LIGHT,
        home.state().toString(),
        home.log().toString(),
        part.name(),
        point.name(),
        Integer.toString(time));
  }

  // ----------------------------------------------------------------------------------- two deaths

  /** Ends a life in this JVM, if it comes to its point. */
  private static boolean die(Home home, Life.Part part, CrashPoint point, int time)
      throws IOException {
    FaultyDisk disk = new FaultyDisk(FileSystems.getDefault());
    int[] left = {time};
    Watch watch =
        passed -> {
          synchronized (disk) {
            if (!disk.dead() && passed == point && --left[0] == 0) {
              disk.kill();
            }
            if (disk.dead()) {
              throw new Died(passed);
            }
          }
        };
    try (Life life = new Life(disk.path(home.state()), home.log(), watch, disk::dead)) {
      part.act(life);
    } catch (RuntimeException | Error e) {
      if (!disk.dead()) {
        throw e;
      }
    }
    return disk.dead();
  }

  /** What the thread of a dead process gets. */
  private static final class Died extends Error {
    private static final long serialVersionUID = 1L;

    Died(CrashPoint point) {
      super(point.name());
    }
  }

  /** The points that a process passes when it goes on. */
  private static Map<CrashPoint, Integer> pointsOnTheWayOn(Home home) throws IOException {
    Map<CrashPoint, Integer> passes = new EnumMap<>(CrashPoint.class);
    Home copy = home.copy();
    try (Life life = copy.life(counting(passes))) {
      life.goOn(() -> {});
    }
    copy.remove();
    return passes;
  }

  /** How a process dies, if it comes to its point: lanes and the clock have a say in how often. */
  private interface Dying {
    boolean die(Home home, Life.Part part, CrashPoint point, int time) throws Exception;
  }

  /** Pairs of deaths, each first one followed by so many second ones. */
  private Toll pairs(Dying way, int secondDeaths) throws Exception {
    Toll toll = new Toll(Life.IN_FLIGHT, Life.DEADLINE);
    for (CrashPoint first : CrashPoint.values()) {
      int passes = PASSES.getOrDefault(first, 0);
      int time = 1 + RANDOM.nextInt(Math.max(1, passes * 3 / 4));
      Home dead = Home.fresh();
      int deaths = way.die(dead, Life.Part.LIVE, first, time) ? 1 : 0;
      Map<CrashPoint, Integer> points = pointsOnTheWayOn(dead);
      List<CrashPoint> seconds = new ArrayList<>(points.keySet());
      Collections.shuffle(seconds, RANDOM);
      for (CrashPoint second : seconds.subList(0, Math.min(secondDeaths, seconds.size()))) {
        int again = 1 + RANDOM.nextInt(points.getOrDefault(second, 1));
        Home twice = dead.copy();
        int both = deaths + (way.die(twice, Life.Part.GO_ON, second, again) ? 1 : 0);
        goOn(twice, both, about(first, time) + " and " + about(second, again), toll);
        twice.remove();
      }
      dead.remove();
    }
    assertThat(toll.deaths())
        .as("deaths in %d lives", toll.lives())
        .isGreaterThan(toll.lives() * 9 / 5);
    return toll;
  }

  @Test
  @DisplayName("P1, P2, P4, A-06: a process dies, and the one that goes on dies too")
  void twoDeaths() throws Exception {
    Toll toll = pairs(CrashSweepTest::die, SECOND_DEATHS);
    System.out.println("CrashSweepTest: " + toll);
    toll.assertNothingIsLost();
  }

  @Test
  @Tag("soak")
  @DisplayName("P1, P2, P4, A-06: kill -9, and kill -9 of the process that goes on, at each point")
  void twoDeathsOfProcesses() throws Exception {
    Toll toll =
        pairs(
            (home, part, point, time) ->
                Toll.isKilled(fork(home, part, point, time), Life.HAS_NOT_DIED, about(point, time)),
            CrashPoint.values().length);
    System.out.println("CrashSweepTest, kill -9 twice: " + toll);
    toll.assertNothingIsLost();
  }
}
