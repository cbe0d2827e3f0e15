"""What people look at: pages rendered on the server, for schools, trusts and local authorities.

``app`` puts the application together; ``attendance`` holds the pages of that purpose, and another purpose gets a package
beside it. A page reads the published views of its purpose, as the database role that the reader's rights call for.
"""
