package io.fulmar.testkit.junit;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test class with a PostgreSQL database of its own: empty, on the {@linkplain TestServer#shared()
 * server of this JVM}, and dropped when the class is done. Constructors, lifecycle methods and
 * tests have it as a parameter of type {@link TestDatabase}, always the same one; it is made when
 * the first of them asks.
 *
 * <pre>{@code
 * @PostgresTest
 * class CustomersTest {
 *   @BeforeAll
 *   static void createTables(TestDatabase shop) throws SQLException {
 *     shop.execute("create table customer (id int8 primary key, email text)");
 *   }
 *
 *   @Test
 *   void newCustomersArrive(TestDatabase shop) { ... }
 * }
 * }</pre>
 *
 * <p>The methods of a class share the database, so tests that must not see each other's rows clean
 * up, or are in two classes. Classes do not share: also not those that inherit the annotation from
 * the same class, and not those that run at the same time. A {@code @Nested} class has the database
 * of the class around it, unless it is annotated itself.
 */
@Documented
@ExtendWith(PostgresExtension.class)
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@SuppressWarnings("exports") // Nobody but JUnit makes the extension.
@Target(ElementType.TYPE)
public @interface PostgresTest {}
