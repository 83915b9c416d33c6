package io.fulmar.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.FulmarException;
import io.fulmar.SyncEngine;
import io.fulmar.harness.PublicSurface.Callable;
import java.lang.reflect.AnnotatedArrayType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Everything on a public surface that takes an argument is called with null, with numbers and
 * durations at and beyond every bound, and with texts that nobody expects: it works, or says what
 * is wrong with what.
 *
 * <p>Constructors of records and exceptions that Fulmar alone makes are called too, without being
 * held to refuse null. The engine has no server to connect to, so that no call of it gets far.
 */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class SurfaceContract {
  private static final Pattern BOUNDS =
      Pattern.compile("(?s)([a-zA-Z]+) must be (?:(\\S+) to (\\S+)|at least (\\S+)), is (\\S+)");
  private static final Pattern NAME = Pattern.compile("[a-z][a-zA-Z]*");

  private final PublicSurface surface;

  /** The contract for a surface. */
  protected SurfaceContract(PublicSurface surface) {
    this.surface = surface;
  }

  List<Callable> callables() {
    return surface.callables();
  }

  Stream<Callable> setters() {
    return callables().stream().filter(Callable::isSetter);
  }

  @Test
  void everyBuilderIsKnown() {
    assertThat(surface.exported())
        .filteredOn(type -> type.getSimpleName().equals("Builder"))
        .isNotEmpty()
        .allMatch(surface::isBuilder);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("callables")
  void nullIsRefusedByName(Callable callable) {
    for (int i = 0; i < callable.arguments(); i++) {
      Object[] arguments = callable.good();
      arguments[i] = null;
      int argument = i;
      if (callable.isNullable(i)) {
        if (!callable.executable().getParameterTypes()[i].isPrimitive()) {
          assertThatCode(() -> callable.call(arguments))
              .as("%s takes null as argument %s", callable, argument)
              .satisfiesAnyOf(
                  thrown -> assertThat(thrown).isNull(),
                  thrown -> assertThat(thrown).isInstanceOf(FulmarException.class));
        }
      } else if (callable.isHeldToRefuseNull()) {
        assertThatThrownBy(() -> callable.call(arguments))
            .as("%s with null as argument %s", callable, argument)
            .isExactlyInstanceOf(NullPointerException.class)
            .hasMessageMatching(NAME.pattern());
      } else {
        outcome(callable, arguments);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("callables")
  void whatIsInAListIsLookedAtToo(Callable callable) {
    for (int i = 0; i < callable.arguments(); i++) {
      Class<?> type = callable.executable().getParameterTypes()[i];
      Object[] arguments = callable.good();
      if (type.isArray()) {
        arguments[i] = Array.newInstance(type.getComponentType(), 1);
      } else if (type == Set.class) {
        arguments[i] = Collections.singleton(null);
      } else if (Collection.class.isAssignableFrom(type)) {
        arguments[i] = Arrays.asList((Object) null);
      } else if (type == Map.class) {
        Map<@Nullable Object, @Nullable Object> map = new HashMap<>();
        map.put("id", null);
        arguments[i] = map;
      } else {
        continue;
      }
      AnnotatedType annotated = callable.executable().getAnnotatedParameterTypes()[i];
      assertThat(
              annotated instanceof AnnotatedArrayType array
                  && array.getAnnotatedGenericComponentType().isAnnotationPresent(Nullable.class))
          .isFalse();
      if (callable.isHeldToRefuseNull()) {
        assertThatThrownBy(() -> callable.call(arguments))
            .as("%s with null in argument %s", callable, i)
            .isExactlyInstanceOf(NullPointerException.class)
            .hasMessageMatching(NAME.pattern());
      } else {
        outcome(callable, arguments);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("callables")
  void noArgumentLeadsToAnythingElseThanARefusal(Callable callable) {
    for (int i = 0; i < callable.arguments(); i++) {
      Type type = callable.executable().getGenericParameterTypes()[i];
      for (Object value : surface.values(type)) {
        Object[] arguments = callable.good();
        arguments[i] = value;
        Throwable thrown = outcome(callable, arguments);
        boolean measured =
            value instanceof Number && type != Object.class || value instanceof Duration;
        if (measured && thrown instanceof IllegalArgumentException) {
          assertThat(thrown).as("%s with %s", callable, value).hasMessageMatching(BOUNDS);
          assertThat(thrown.getMessage()).endsWith(", is " + value);
        }
      }
    }
  }

  /** What is thrown; null for nothing. */
  private @Nullable Throwable outcome(Callable callable, @Nullable Object[] arguments) {
    try {
      callable.call(arguments);
      return null;
    } catch (Throwable e) {
      boolean ofEngine = callable.isOfEngine() && e instanceof FulmarException;
      boolean declared = callable.declares(e);
      assertThat(
              ofEngine
                  || declared
                  || e instanceof NullPointerException
                  || e instanceof IllegalArgumentException
                  || e instanceof IllegalStateException)
          .as("%s with %s throws %s", callable, cut(Arrays.toString(arguments)), e)
          .isTrue();
      if (callable.isHeldToRefuseNull()) {
        assertThat(e.getMessage()).as("%s", callable).isNotBlank();
      }
      return e;
    }
  }

  private static String cut(String text) {
    return text.substring(0, Math.min(300, text.length()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("setters")
  void boundsAreWhatTheMessageSays(Callable setter) throws Throwable {
    for (int i = 0; i < setter.arguments(); i++) {
      Type type = setter.executable().getGenericParameterTypes()[i];
      if (type != int.class && type != long.class && type != Duration.class) {
        continue;
      }
      Matcher refusal = null;
      for (Object value : surface.values(type)) {
        Object[] arguments = setter.good();
        arguments[i] = value;
        Throwable thrown = outcome(setter, arguments);
        if (thrown != null) {
          refusal = BOUNDS.matcher(thrown.getMessage());
          assertThat(refusal.matches()).as("%s: %s", setter, thrown.getMessage()).isTrue();
        }
      }
      assertThat(refusal).as("%s has bounds", setter).isNotNull();
      String least = Objects.requireNonNullElse(refusal.group(2), refusal.group(4));
      String most = refusal.group(3);
      assertBound(setter, i, type, least, -1);
      if (most != null) {
        assertBound(setter, i, type, most, 1);
      }
    }
  }

  private void assertBound(Callable setter, int i, Type type, String bound, int beyond)
      throws Throwable {
    Object[] arguments = setter.good();
    arguments[i] = parsed(type, bound, 0);
    setter.call(arguments);
    Object[] refused = setter.good();
    refused[i] = parsed(type, bound, beyond);
    boolean sameAsOff = Duration.ZERO.equals(refused[i]); // zero may have a meaning of its own
    boolean wrapped = ("" + Long.MAX_VALUE).equals(bound);
    if (!wrapped && !sameAsOff) {
      assertThatThrownBy(() -> setter.call(refused))
          .as("%s with %s", setter, refused[i])
          .isExactlyInstanceOf(IllegalArgumentException.class);
    }
  }

  private static Object parsed(Type type, String bound, int more) {
    if (type == Duration.class) {
      return Duration.parse(bound).plusNanos(more);
    }
    long number = Long.parseLong(bound) + more;
    return type == int.class ? (Object) (int) number : (Object) number;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("setters")
  void whatIsAcceptedIsFoundAgain(Callable setter) throws Throwable {
    for (int i = 0; i < setter.arguments(); i++) {
      Type type = setter.executable().getGenericParameterTypes()[i];
      int found = 0;
      List<Object> values = new ArrayList<>(surface.values(type));
      // Where none of those is good, the one that was named must be.
      values.add(setter.good()[i]);
      for (Object value : values) {
        Object[] arguments = setter.good();
        arguments[i] = value;
        if (outcome(setter, arguments) != null) {
          continue;
        }
        Object built;
        try {
          built = setter.build(arguments);
        } catch (IllegalStateException e) {
          continue; // a conflict with what the base has
        }
        assertThat(!surface.isShown(setter.name()) || holds(built, value, 0))
            .as("%s with %s is found in what is built", setter, value)
            .isTrue();
        found++;
      }
      assertThat(found).as("values of argument %s of %s", i, setter).isPositive();
    }
  }

  /** Whether accessors give a value, or each part of it. */
  private boolean holds(Object built, Object value, int depth) throws Throwable {
    Object[] parts =
        value instanceof Object[] array
            ? array
            : value instanceof Collection<?> list ? list.toArray() : new Object[] {value};
    for (Object part : parts) {
      if (!holdsPart(built, part instanceof Change change ? change.changeId() : part, depth)) {
        return false;
      }
    }
    return true;
  }

  private boolean holdsPart(@Nullable Object where, Object value, int depth) throws Throwable {
    if (where == null || Objects.deepEquals(value, where)) {
      return where != null;
    }
    if (where instanceof String text) {
      // A key is kept as text, a host with its port, and the identity of a table holds its names.
      boolean ofKey = text.equals(value instanceof byte[] ? "\\x0102" : value.toString());
      boolean ofHost = text.equals(value + ":5432");
      return ofKey
          || ofHost
          || (depth == 1 && text.replace("\"\"", "\"").contains(value.toString()));
    }
    if (depth > 3) {
      return false;
    }
    if (where instanceof Collection<?> list) {
      for (Object each : list) {
        if (holdsPart(each, value, depth + 1)) {
          return true;
        }
      }
      return false;
    }
    Package home = where.getClass().getPackage();
    if (!surface.isExported(home)) {
      return false;
    }
    for (Method accessor : where.getClass().getMethods()) {
      boolean plain =
          accessor.getParameterCount() == 0 && accessor.getDeclaringClass() != Object.class;
      if (plain
          && PublicSurface.isPublic(accessor.getDeclaringClass())
          && !Modifier.isStatic(accessor.getModifiers())
          && !List.of("toString", "hashCode").contains(accessor.getName())
          && holdsPart(accessor.invoke(where), value, depth + 1)) {
        return true;
      }
    }
    return false;
  }

  @Test
  void anEngineIsClosedTwiceAndDoesNothingAfterwards() {
    SyncEngine engine = surface.engine();
    engine.close();
    engine.close();
    assertThat(surface.ofEngine()).hasSizeGreaterThan(15);
    for (Callable each : surface.ofEngine()) {
      assertThatThrownBy(() -> each.callOn(engine, each.good()))
          .as("%s of a closed engine", each)
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessage("the engine is closed");
    }
    assertThatCode(engine::close).doesNotThrowAnyException();
  }
}
