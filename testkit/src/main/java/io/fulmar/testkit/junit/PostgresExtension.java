package io.fulmar.testkit.junit;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/** What {@link PostgresTest} says. */
final class PostgresExtension implements AfterAllCallback, ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(PostgresExtension.class);

  PostgresExtension() {}

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == TestDatabase.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return Lazy.of(owner(context)).get();
  }

  @Override
  public void afterAll(ExtensionContext context) throws SQLException {
    if (isOwner(context)) {
      Lazy.of(context).drop();
    }
  }

  /** The class whose database it is: the innermost one that is annotated. */
  private static ExtensionContext owner(ExtensionContext context) {
    ExtensionContext at = context;
    while (!isOwner(at)) {
      at =
          at.getParent()
              .orElseThrow(
                  () -> new IllegalStateException("No class around here is a @PostgresTest."));
    }
    return at;
  }

  private static boolean isOwner(ExtensionContext context) {
    return context.getTestMethod().isEmpty()
        && AnnotationSupport.isAnnotated(context.getTestClass(), PostgresTest.class);
  }

  /** A database that is made when somebody asks for it. */
  private static final class Lazy {
    private @Nullable TestDatabase database;

    /** A store shows what those of the contexts around have, so the class is the key. */
    static Lazy of(ExtensionContext owner) {
      Class<?> key = owner.getRequiredTestClass();
      Store store = owner.getStore(NAMESPACE);
      synchronized (Lazy.class) {
        Lazy lazy = store.get(key, Lazy.class);
        if (lazy == null) {
          lazy = new Lazy();
          store.put(key, lazy);
        }
        return lazy;
      }
    }

    synchronized TestDatabase get() {
      TestDatabase made = database;
      if (made == null) {
        made = TestServer.shared().createDatabase();
        database = made;
      }
      return made;
    }

    synchronized void drop() throws SQLException {
      TestDatabase made = database;
      if (made != null) {
        made.drop();
      }
    }
  }
}
