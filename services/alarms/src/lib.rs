//! Alarms of a park with the life cycle of ISA-18.2: conditions, decisions of operators, and the service.
