select id, email from app.customer
